"""Settings of the look for a newer version."""

from korproxy_addons.config.fields import Settings, Url


class UpdateSettings(Settings):
    """Where a newer version is looked for, and only when you ask; nothing is downloaded."""

    feed: Url | None = None
    """A JSON page about the latest release, with tag_name and html_url, as GitHub's API has at releases/latest."""
