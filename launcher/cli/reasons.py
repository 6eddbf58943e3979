"""What the words of `X-KorProxy-Why` mean, as sentences for people."""

_WORDS = {
    "alias": "the model's name is an alias",
    "pinned": "the model's name said which provider or account",
    "project-file": "the project's .korproxy file named the profile",
    "project-file:unknown-profile": "the project's .korproxy file names a profile that is not there",
    "safe-mode": "safe mode sends everything to one fallback",
    "only-account": "no other account could have served it",
    "sticky": "the conversation stays with the account that has its prompt cache",
    "round-robin": "the group takes its accounts in turn",
    "fill-first": "the group uses up one account before the next",
    "least-used": "the group takes the account with the least use",
    "priority": "the group takes the first account that can",
    "quota-aware": "the group takes the account whose quota lasts best",
    "weighted": "the group shares requests out by weight",
    "random": "the group takes any account",
    "client-gone": "the client left before the end",
    "kept-waiting": "the stream began with keep-alives, before anybody had answered",
    "undecided": "the stream began before it was known who answers",
    "estimated": "the tokens were counted here, not by the provider",
    "summarised": "the tool's call for a summary was asked as a prompt, which every provider knows",
    "moved:quota": "the conversation left its account, whose quota was used up",
    "moved:rate": "the conversation left its account, which was asked too often",
    "moved:failure": "the conversation left its account, which failed",
    "moved:drain": "the conversation left its account, which may not be asked any more",
    "moved:return": "the conversation went back to the account that is preferred",
}
_BEGINNINGS = {
    "profile": "the profile {} was named",
    "rule": "the rule {} decided",
    "set": "a rule set {}",
    "retry": "the same account was asked again after {}",
    "failover": "another account was asked after {}",
    "limit": "your limit {} is near or reached",
    "slowed": "your limit {} made it wait",
    "rerouted": "your limit {} sent it elsewhere",
    "lost": "the provider cannot express {}, which was left out",
}
_SKIPPED = {
    "rate_limited": "rests after a limit or a failure",
    "erroring": "has failed several times in a row",
    "needs_login": "waits for its owner to sign in",
    "disabled": "is switched off by its provider",
    "quota": "has nothing left of its quota",
    "reserve": "keeps back what is left of its quota",
    "lately_limited": "met a limit a short while ago",
    "on_trial": "was just being tried by another request",
}


def meaning(word: str) -> str:
    """
    A sentence for one word of `X-KorProxy-Why`; "" for one that is not known here.

    Args:
        word: Such as `sticky` or `failover:429`.
    """
    known = _WORDS.get(word)
    if known is not None:
        return known
    beginning, _, rest = word.partition(":")
    if beginning == "tried":
        account, _, reason = rest.rpartition(":")
        return f"{account} was tried, and failed with {reason}" if account else ""
    if beginning == "skipped":
        account, _, reason = rest.rpartition(":")
        why = _SKIPPED.get(reason, reason.replace("_", " "))
        return f"{account} would have been asked before it, but {why}" if account else ""
    sentence = _BEGINNINGS.get(beginning)
    return sentence.format(rest) if sentence is not None and rest else ""
