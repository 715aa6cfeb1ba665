# SPDX-License-Identifier: Apache-2.0
"""The one error that users of the package meet."""


class InputError(ValueError):
    """Input that cannot be used; its text is one sentence: what, where, what is allowed."""
