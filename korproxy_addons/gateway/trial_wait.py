"""Waiting a moment for what another request is just finding out: whether an account has recovered."""

from collections.abc import Collection

from korproxy_addons.accounts.balancing import Fit

# The answer to another request's trial is worth this wait, in these steps.
TRIAL_LOOK_S = 0.1
MOST_TRIAL_LOOKS = 20


class TrialWait:
    """The looks that one exchange may take."""

    def __init__(self) -> None:
        self._looks = 0

    def again(self, fits: Collection[Fit]) -> bool:
        """Whether to wait `TRIAL_LOOK_S` and look once more, as one of these accounts is on trial; counts the look."""
        if Fit.ON_TRIAL not in fits or self._looks >= MOST_TRIAL_LOOKS:
            return False
        self._looks += 1
        return True
