"""Logging in, and what follows from a token, over each transport of gql."""

import uuid

from server import PASSWORD, over_each_transport

LOGIN = """
    mutation Login($input: LoginInput!) {
      login(input: $input) { token expiresAt user { id email } userErrors { code message field } }
    }
"""
VIEWER = "{ viewer { id email } }"
FILES = "{ files { totalCount } }"


@over_each_transport
class Accounts:
    def log_in(self, email, password):
        return self.execute(LOGIN, {"input": {"email": email, "password": password}}, token="")["login"]

    def test_a_login_answers_with_a_token_that_works(self):
        login = self.assertDone(self.log_in(self.ada.email.upper(), PASSWORD))
        self.assertEqual(login["user"], {"id": self.ada.id, "email": self.ada.email})
        self.assertEqual(self.execute(VIEWER, token=login["token"])["viewer"]["id"], self.ada.id)

    def test_a_wrong_password_is_a_user_error(self):
        login = self.log_in(self.ada.email, PASSWORD + "!")
        self.assertEqual([error["code"] for error in login["userErrors"]], ["INVALID_CREDENTIALS"])
        self.assertEqual((login["token"], login["user"], login["expiresAt"]), (None, None, None))

    def test_a_taken_address_is_a_user_error_with_the_field(self):
        query = """
            mutation($email: String!, $password: String!) {
              register(input: { email: $email, password: $password }) { token userErrors { code field } }
            }
        """
        variables = {"email": self.ada.email, "password": PASSWORD}
        self.assertEqual(self.execute(query, variables, token="")["register"], {
            "token": None, "userErrors": [{"code": "EMAIL_TAKEN", "field": ["input", "email"]}],
        })
        variables = {"email": f"{uuid.uuid4().hex}@example.org", "password": "short"}
        self.assertEqual(self.execute(query, variables, token="")["register"], {
            "token": None, "userErrors": [{"code": "BAD_USER_INPUT", "field": ["input", "password"]}],
        })

    def test_without_a_token_there_is_no_viewer_and_that_is_no_error(self):
        self.assertEqual(self.execute(VIEWER, token=""), {"viewer": None})

    def test_what_needs_a_token_fails_without_one_and_with_a_wrong_one(self):
        for token in ["", "nonsense", self.ada.token[:-2]]:
            with self.refusedWith("UNAUTHENTICATED"):
                self.execute(FILES, token=token)

    def test_refresh_gives_a_token_for_the_same_session(self):
        refreshed = self.assertDone(self.execute("mutation { refresh { token expiresAt userErrors { code } } }")["refresh"])
        self.assertNotEqual(refreshed["token"], self.ada.token)
        self.assertEqual(self.execute(VIEWER, token=refreshed["token"])["viewer"]["id"], self.ada.id)
        # The session is one: its end is the end of both tokens.
        self.assertDone(self.execute("mutation { logout { userErrors { code } } }", token=refreshed["token"])["logout"])
        for token in [self.ada.token, refreshed["token"]]:
            with self.refusedWith("UNAUTHENTICATED"):
                self.execute(FILES, token=token)
