"""Errors that kernels raise to say something about themselves."""


class Unsupported(Exception):
    """Raised by a kernel that cannot run a problem. Its row is then `unsupported`, with this text as the reason."""


class WrongOutput(Exception):
    """A kernel returned something that is no output of the problem."""


def first_line(error):
    """The first line of an error's text, or the name of its type."""
    text = str(error).strip() or type(error).__name__
    return text.splitlines()[0][:300]
