from keychange.api import CheckOutcome as CheckOutcome
from keychange.api import Diagnostic as Diagnostic
from keychange.api import Ending as Ending
from keychange.api import KeychangeError as KeychangeError
from keychange.api import Location as Location
from keychange.api import Options as Options
from keychange.api import Outcome as Outcome
from keychange.api import Plan as Plan
from keychange.api import RefusedError as RefusedError
from keychange.api import Report as Report
from keychange.api import RollbackError as RollbackError
from keychange.api import RolledBackError as RolledBackError
from keychange.api import Severity as Severity
from keychange.api import Site as Site
from keychange.api import Standing as Standing
from keychange.api import State as State
from keychange.api import Step as Step
from keychange.api import UsageProblem as UsageProblem
from keychange.api import Verdict as Verdict
from keychange.api import check as check
from keychange.api import down as down
from keychange.api import plan as plan
from keychange.api import probe as probe
from keychange.api import up as up

__version__: str
