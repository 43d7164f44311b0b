// Package transfer moves money from one subscriber's balance to another's.
//
// It owns what the operator allows (amounts, how often, a fee), finding whom a
// number belongs to, and the transfers. It does not own balances (balance) nor
// who may speak for an account (api, portal).
//
// Only bought money moves: from main balance to main balance, between accounts
// of one currency and one legal entity. It passes through the ledger's deposits
// within one posting, so that it stands in the history of both.
//
// Always true:
//   - What leaves one balance arrives in the other, in one transaction.
//   - The giver's limits count all that has left since the day, or the month,
//     began; transfers of one giver wait for one another.
//   - A repeat under the same id changes nothing and gets the same answer.
//   - Accounts are locked by id, then their balances by id.
package transfer
