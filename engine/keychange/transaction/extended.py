"""Room of what a file has beside bytes, mode and owner: extended attributes, access lists."""

from __future__ import annotations

import errno
import os
import sys
from typing import Final

UNSUPPORTED: Final = frozenset({errno.EINVAL, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS})
"""What a file system says of a thing that it does not have."""

if sys.platform == "darwin":

    def has_extended(_descriptor: int) -> bool:
        """Python cannot say here: let the system look while it copies."""
        return True

    def copy_extended(source: int, destination: int) -> None:
        """Copy extended attributes and access lists between two open files, as ``cp -p`` does."""
        import ctypes

        library = ctypes.CDLL(None, use_errno=True)
        access_lists, attributes = 1 << 0, 1 << 2  # COPYFILE_ACL, COPYFILE_XATTR of <copyfile.h>
        if library.fcopyfile(source, destination, None, access_lists | attributes) < 0:
            code = ctypes.get_errno()
            if code not in UNSUPPORTED:
                raise OSError(code, os.strerror(code))

else:

    def has_extended(descriptor: int) -> bool:
        """Whether an open file has extended attributes, access lists among them."""
        try:
            return bool(os.listxattr(descriptor))
        except OSError as problem:
            if problem.errno in UNSUPPORTED:
                return False
            raise

    def copy_extended(source: int, destination: int) -> None:
        """Give an open file the extended attributes of another, access lists among them."""
        names = os.listxattr(source)
        # A new file has the access list that its folder hands down, and that may let more in.
        inherited = [each for each in os.listxattr(destination) if each not in names]
        for name in (*inherited, *names):
            try:
                if name in names:
                    os.setxattr(destination, name, os.getxattr(source, name))
                else:
                    os.removexattr(destination, name)
            except OSError:
                # Labels of a security module are the system's to set; a new file has its own.
                if not name.startswith(("security.", "trusted.")):
                    raise
