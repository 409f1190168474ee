"""Packages that a program installs while it runs: from the page, which has no network."""

import functools
import importlib.metadata
import importlib.util
import os
import re

_NO_NETWORK = ("A page has no network: packages come along when it is built. Write the name out, in "
               "micropip.install('name') or in requirements.txt, and give the wheels: ashore app "
               "--wheels DIR.")


def _is_lacking(requirement):
    name = re.match(r"[\w.-]*", requirement)[0]
    try:
        return "/" in requirement or not importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return True


def offer():
    """micropip.install() takes wheels of the program's folder by their paths, and says of what it does
    not find how that comes into a page."""
    if importlib.util.find_spec("micropip") is None:
        return
    import micropip
    install = micropip.install

    def address(text):
        path = text.split("#")[0]
        local = path.endswith(".whl") and not re.match(r"[\w+.-]+:", path)
        return "emfs:" + os.path.abspath(path) if local else text

    @functools.wraps(install)
    async def install_here(requirements, *args, **more):
        given = [requirements] if isinstance(requirements, str) else list(requirements)
        try:
            return await install([address(each) for each in given], *args, **more)
        except ValueError as error:
            if str(error).startswith("Can't") or any(map(_is_lacking, given)):
                raise ValueError(f"{str(error).strip()}\n{_NO_NETWORK}") from error
            raise

    micropip.install = install_here
