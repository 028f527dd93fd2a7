/**
 * A self-signed certificate for `localhost` and its key, which protects nothing. It is used for a
 * server, a client and the authority that both trust. Valid until 2126.
 */
export const CERTIFICATE = `-----BEGIN CERTIFICATE-----
MIIBnDCCAUGgAwIBAgIUdzLFfEhSoTSn96lTD5Q080VUHoUwCgYIKoZIzj0EAwIw
FDESMBAGA1UEAwwJbG9jYWxob3N0MCAXDTI2MTEyOTE5NTExNFoYDzIxMjYxMTA1
MTk1MTE0WjAUMRIwEAYDVQQDDAlsb2NhbGhvc3QwWTATBgcqhkjOPQIBBggqhkjO
PQMBBwNCAASv64xnsNZaVTifkS80tpAebX2sE1PBSdIBxEztDAzcDj+qeXcQjVjk
KpUv1VB+1PmBuox5L8nJDTaFJ0wxBvJ+o28wbTAdBgNVHQ4EFgQU3jelbn6Wg1Xs
NaxoWS1nytCdUx0wHwYDVR0jBBgwFoAU3jelbn6Wg1XsNaxoWS1nytCdUx0wDwYD
VR0TAQH/BAUwAwEB/zAaBgNVHREEEzARgglsb2NhbGhvc3SHBH8AAAEwCgYIKoZI
zj0EAwIDSQAwRgIhAPudj+1HyBAPv7Yj2S8/8/IosnHy4dESFF+eOkH9QNnQAiEA
/t0nJn5l5JKjyA2nik96uKewcjbI03RUhi+3eI/UYHg=
-----END CERTIFICATE-----`;

export const KEY = `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgbEzr3iU7tdnEI8QG
vXyHVBQnyEnNMxBhOEoUuX1w7GihRANCAASv64xnsNZaVTifkS80tpAebX2sE1PB
SdIBxEztDAzcDj+qeXcQjVjkKpUv1VB+1PmBuox5L8nJDTaFJ0wxBvJ+
-----END PRIVATE KEY-----`;
