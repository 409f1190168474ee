"""Names of themes, which change nothing: the page is light or dark as its system is."""


class Theme:
    """A theme. Its parameters, `set` and `name` are taken and have no effect."""

    def __init__(self, *args, **kwargs):
        self.name = type(self).__name__.lower()

    def set(self, **kwargs) -> "Theme":
        return self

    @classmethod
    def from_hub(cls, name: str) -> "Theme":
        return cls()


class Base(Theme):
    """gr.themes.Base"""


class Default(Theme):
    """gr.themes.Default"""


class Soft(Theme):
    """gr.themes.Soft"""


class Monochrome(Theme):
    """gr.themes.Monochrome"""


class Glass(Theme):
    """gr.themes.Glass"""


class Origin(Theme):
    """gr.themes.Origin"""


class Citrus(Theme):
    """gr.themes.Citrus"""


class Ocean(Theme):
    """gr.themes.Ocean"""


class GoogleFont(str):
    """The name of a font, which is not fetched."""

    def __new__(cls, name: str, *args, **kwargs):
        return super().__new__(cls, name)


class _Names:
    """Any attribute is its own name: gr.themes.colors.blue."""

    def __getattr__(self, name: str) -> str:
        if name.startswith("__"):
            raise AttributeError(name)
        return name


class Font(GoogleFont):
    """The name of a font."""


colors, sizes = _Names(), _Names()
