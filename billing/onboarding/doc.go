// Package onboarding connects subscribers: it gathers the facts of an order and
// lets it become a subscription once nothing is missing.
//
// It owns orders, the list of what tariff, network and law want to know, and
// the gate. It does not own what comes out (account, balance), the offering
// that is taken (catalog), nor the fees and allowances that follow (charging).
//
//	acknowledged ──Activate──> completed
//	      └───────Cancel─────> cancelled
//
// Always true:
//   - Nothing activates while anything is missing, wrong or taken, whichever
//     channel asks: the gate stands in Activate itself. What it refuses, it
//     names field by field, and it has then done nothing.
//   - A deposit that the offering demands is held on the account, and stands
//     for no other order, or is taken with the activation.
//   - An order becomes one subscription, however often it is activated.
//   - A fact that is secret is sealed from the moment it arrives.
//
// What is wanted is data, in requirements.json, each with its reason. A fact is
// named by its section and name, such as party.birth_date or mobile.msisdn.
package onboarding
