// Package https has a host answer by TLS under its own name.
//
// It owns the host's certificate: it is asked for at an ACME authority (RFC 8555),
// which makes sure of the name by a look at the host's own HTTPS port
// (TLS-ALPN-01, RFC 8737), and renewed long before it ends. It does not own which
// name that is (provisioning/enrol), nor what is served (api).
//
// Always true:
//   - A handshake never waits for the authority. As long as there is no
//     certificate of the name, and for whoever asks for another name or none, a
//     certificate of the host's own making is shown, which nobody trusts.
//   - The authority is asked no more often than its limits allow.
//   - Keys are readable by the host's user alone.
package https
