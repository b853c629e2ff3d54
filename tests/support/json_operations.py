"""Random operations on a document, and what they mean, said in plain Python."""

from copy import deepcopy

from keychange.formats.json.pointer import join, lookup, split
from keychange.model import same

NEW_VALUES = [None, True, 0, 1.5, "new", 'é/"\\\n', [], {}, [1, [2]], {"x": {"y": []}, "z": [{}]}]
NEW_NAMES = ["new", "né w", "a/b~", ""]


def places(value, tokens=()):
    """Every value in a document, with its tokens."""
    yield tokens, value
    if isinstance(value, dict):
        for name, each in value.items():
            yield from places(each, (*tokens, name))
    elif isinstance(value, list):
        for at, each in enumerate(value):
            yield from places(each, (*tokens, str(at)))


class Maker:
    """Makes one node of a migration, verb by verb; no two of its pointers overlap."""

    def __init__(self, value, random):
        self.value = value
        self.random = random
        self.node = {}
        self.taken = []

    def free(self, *all_tokens):
        """Take some places, if nothing else is in them or around them."""
        for tokens in all_tokens:
            for each in self.taken:
                if tokens[: len(each)] == each or each[: len(tokens)] == tokens:
                    return False
        self.taken += all_tokens
        return True

    def new(self):
        return deepcopy(self.random.choice(NEW_VALUES))

    def note(self, verb, tokens, what):
        self.node.setdefault(verb, {})[join(tokens)] = what

    def set(self, tokens, _):
        if self.free(tokens):
            self.note("set", tokens, {"to": self.new()})

    def add(self, tokens, members):
        inside = (*tokens, self.random.choice(NEW_NAMES))
        if inside[-1] not in members and self.free(inside):
            self.note("set", inside, {"to": self.new()})

    def default(self, tokens, members):
        inside = (*tokens, self.random.choice(NEW_NAMES))
        if inside[-1] not in members and self.free(inside):
            self.note("default", inside, self.new())

    def remove(self, tokens, _):
        if self.free(tokens):
            self.node.setdefault("remove", []).append(join(tokens))

    def rename(self, tokens, _):
        name = self.random.choice(NEW_NAMES)
        fresh = name not in lookup(self.value, tokens[:-1])
        if fresh and self.free(tokens, (*tokens[:-1], name)):
            self.note("rename", tokens, name)

    def move(self, tokens, _):
        fresh = isinstance(self.value, dict) and "moved" not in self.value
        if fresh and self.free(tokens, ("moved",)):
            self.note("move", tokens, "/moved")

    def append(self, tokens, _):
        if self.free(tokens):
            new = self.new()
            self.note("append", tokens, [new, "other", new])

    def remove_items(self, tokens, items):
        if self.free(tokens):
            doomed = [item for item in items if self.random.random() < 0.5]
            self.note("remove_items", tokens, {"where": {"": {"in": doomed}}})
            if self.random.random() < 0.3:
                self.note("append", tokens, ["other"])


def random_operation(value, random):
    """A node of a migration for a document; it may be empty."""
    maker = Maker(value, random)
    found = list(places(value))
    random.shuffle(found)
    for tokens, each in found[: random.randrange(1, 7)]:
        verbs = [maker.set]
        if tokens and isinstance(lookup(value, tokens[:-1]), dict):
            verbs += [maker.remove, maker.remove, maker.rename, maker.move]
        if isinstance(each, dict):
            verbs += [maker.add, maker.add, maker.default]
        if isinstance(each, list):
            verbs += [maker.append, maker.remove_items, maker.remove_items]
        random.choice(verbs)(tokens, each)
    return maker.node


def meaning(value, node):
    """What the document is after an operation, all of whose sites are pending."""
    value = deepcopy(value)
    for old, name in node.get("rename", {}).items():
        holder = lookup(value, split(old)[:-1])
        holder[name] = holder.pop(split(old)[-1])
    for old, new in node.get("move", {}).items():
        value[split(new)[-1]] = lookup(value, split(old)[:-1]).pop(split(old)[-1])
    for pointer in node.get("remove", ()):
        del lookup(value, split(pointer)[:-1])[split(pointer)[-1]]
    for pointer, item in node.get("remove_items", {}).items():
        items, doomed = lookup(value, split(pointer)), item["where"][""]["in"]
        items[:] = [each for each in items if not any(same(each, other) for other in doomed)]
    settings = {pointer: each["to"] for pointer, each in node.get("set", {}).items()}
    for pointer, new in {**settings, **node.get("default", {})}.items():
        tokens = split(pointer)
        if not tokens:
            value = deepcopy(new)
            continue
        holder = lookup(value, tokens[:-1])
        holder[tokens[-1] if isinstance(holder, dict) else int(tokens[-1])] = deepcopy(new)
    for pointer, items in node.get("append", {}).items():
        array = lookup(value, split(pointer))
        for item in items:
            if not any(same(item, each) for each in array):
                array.append(deepcopy(item))
    return value
