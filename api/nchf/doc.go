// Package nchf is the converged charging endpoint that a 5G core talks to:
// Nchf_ConvergedCharging of 3GPP TS 32.291, version 3.
//
// It owns the standard's JSON (nchf.yaml beside this file says what is taken
// and given), the way from a ChargingDataRequest to a step of a charging
// session and back, and the standard's words for what is refused. It does not
// own sessions (billing/charging/session), what is granted (billing/charging),
// nor who may call it (api, which asks for the same token or API key, and the
// same permission, as for usage).
//
//	create   POST /nchf-convergedcharging/v3/chargingdata                    start, or a one-time event
//	update   POST /nchf-convergedcharging/v3/chargingdata/{ref}/update       update
//	release  POST /nchf-convergedcharging/v3/chargingdata/{ref}/release      terminate
//	notify   POST to the consumer's notifyUri                                infra/network
//
// Always true:
//   - invocationSequenceNumber is the session's number: a request sent again,
//     marked as a retransmission or not, gets the stored answer.
//   - A rating group stands for what the operator's policy says; one that is
//     not in it can't be charged, and is told so alone.
//   - A refusal of one rating group is its result code and no fault of the
//     request; a refusal of the request is a ProblemDetails with a cause.
package nchf
