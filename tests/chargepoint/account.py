"""The invented account that the tests log in with."""

KEY = "key-of-the-office"
PASSWORD = "password-of-the-office"
GROUP = "48001"
