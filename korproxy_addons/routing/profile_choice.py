"""Which profile a request is in: by header, by path, by local key, by workspace, else the active one."""

from dataclasses import dataclass

from korproxy_addons.errors import catalogue
from korproxy_addons.errors.exceptions import KorProxyError
from korproxy_addons.routing.router import Router

HEADER = "x-korproxy-profile"


@dataclass(frozen=True, slots=True)
class ProfileChoice:
    """The id of a profile, and what named it: "header", "path", "key", "folder", "project-file" or "active"."""

    id: str
    by: str


def named_profile(
    router: Router, *, header: str, path: str, key: str | None
) -> ProfileChoice | None:
    """
    The profile that the request itself names; None if it names none.

    Args:
        router: Knows the profiles.
        header: Value of X-KorProxy-Profile; "" if it is absent.
        path: What stands behind `/p/` in the path; "" if nothing does.
        key: Id of the profile of its local key.
    Raises:
        KorProxyError: PROFILE_UNKNOWN.
    """
    for by, word in (("header", header), ("path", path)):
        if word.strip():
            found = router.profile_named(word)
            if found is None:
                raise unknown_profile(word, router)
            return ProfileChoice(found, by)
    return ProfileChoice(key, "key") if key is not None else None


def project_profile(router: Router, folder: str, word: str) -> ProfileChoice | None:
    """
    The profile that the project names; None if it names none there is.

    Args:
        router: Knows the profiles.
        folder: The project's folder; "" if there is none.
        word: What its `.korproxy` file says; "" if there is none.
    """
    found = router.profile_of_folder(folder)
    if found is not None:
        return ProfileChoice(found, "folder")
    if word and router.config.project_files:
        found = router.profile_named(word)
        if found is not None:
            return ProfileChoice(found, "project-file")
    return None


def unknown_profile(word: str, router: Router) -> KorProxyError:
    """The error for a profile that the configuration does not have."""
    names = ", ".join(it.id for it in router.profiles)
    return KorProxyError(
        catalogue.PROFILE_UNKNOWN, f"“{word[:100]}”; there are {names}", param="profile"
    )
