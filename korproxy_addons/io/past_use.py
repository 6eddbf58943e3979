"""What earlier runs have used, read from the ledger: the user's limits go on where they stood."""

from collections.abc import Iterator

from korproxy_addons.io.database import Reader
from korproxy_addons.usage.limits import Subject, Used

HOUR_S = 3600.0
# The longest window there is, and a little more.
LOOK_BACK_S = 40 * 86_400.0
# So far back single requests are read, which know their minute.
_EXACT_S = HOUR_S

# Without an attempt nothing was used: such a request was refused, here or by a limit.
_BY_HOUR = """
    SELECT hour_at, account, route_group, profile, tool, local_key, project,
           sum(requests), sum(attempts), sum(input_tokens + output_tokens), sum(cost_usd)
    FROM usage_hourly
    WHERE hour_at >= ? AND hour_at < ? AND account <> '' AND operation <> 'count_tokens'
    GROUP BY 1, 2, 3, 4, 5, 6, 7 ORDER BY 1
"""
_ONE_BY_ONE = """
    SELECT started_at, json_extract(value, '$.account'), route_group, profile, tool, local_key, project,
           json_each.key = json_array_length(attempts) - 1, 1,
           json_extract(value, '$.input_tokens') + json_extract(value, '$.output_tokens'),
           coalesce(json_extract(value, '$.cost_usd'), 0)
    FROM exchanges, json_each(attempts)
    WHERE started_at >= ? AND operation <> 'count_tokens' ORDER BY 1
"""


class PastUse:
    """
    Reads it.

    Args:
        reader: The database.
    """

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    def __call__(self, now: float) -> Iterator[tuple[float, Subject, Used]]:
        """
        What was used, oldest first: by the hour, and one by one for the last hour or two.

        Args:
            now: Unix seconds.
        """
        since = now - _EXACT_S
        since -= since % HOUR_S
        rows = [
            *self._reader.read(_BY_HOUR, (now - LOOK_BACK_S, since)),
            *self._reader.read(_ONE_BY_ONE, (since,)),
        ]
        for row in rows:
            at, account, group, profile, tool, key, project, requests, attempts, tokens, cost = row
            subject = Subject(
                str(account), str(group), str(profile), str(tool), str(key), str(project)
            )
            used = Used(int(requests or 0), int(attempts or 0), int(tokens or 0), float(cost or 0))
            yield float(at or 0), subject, used
