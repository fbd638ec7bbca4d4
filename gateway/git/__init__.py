"""Requests of git in; what `git http-backend` answers out: a remote at `/git/<workspace>/<model>.git`."""
