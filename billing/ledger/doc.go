// Package ledger records who owes what to whom, in double entry.
//
// It owns transfers, the accounts they run between, the running totals of
// customers' accounts and the control sums. It does not own why money moves:
// charging, balance, bill and payment decide that and post here.
//
// A transfer moves an amount of one unit from its credit account to its debit
// account. Units are currencies, seconds, bytes, events and points; each is a
// commodity with accounts of its own, so a posting balances per unit because
// every single transfer does.
//
// Accounts that belong to one customer have a running total, moved by the
// posting itself, in the same transaction and in the order account, bucket,
// subscription, each by id:
//
//	prepaid, unit_bucket   bucket.value                      grows by credit
//	receivable             billing_account.receivable        grows by debit
//	unbilled               billing_account.unbilled          grows by debit
//	customer_credit        billing_account.credit            grows by credit
//	deferred               subscription.deferred             grows by credit
//	tax under event usage, billing_account.undocumented_tax  grows by credit,
//	fee or correction                                        falls by DocumentTax
//
// General-ledger accounts have none, so that nothing serialises on "revenue".
// Their totals are daily snapshots (ledger_day), and each account's total is
// summed up once more from the transfers alone (ledger_total): what control
// sums hold against the books without reading the whole ledger. Snap takes only
// what no running transaction can add to; reading adds what came since.
//
// Always true:
//   - Transfers are only added. Their amounts are above zero, with nine decimals.
//   - Nothing outside this package writes a running total; nobody posts without
//     moving it.
//   - Keys are UUIDv7 in the order of posting; period is the first day of the
//     month of the event in the operator's zone.
package ledger
