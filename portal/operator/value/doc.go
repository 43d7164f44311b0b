// Package value has the console's pages about balances: vouchers, and what the
// operator lays down about adjustments, transfers, points, thresholds and
// reminders.
//
// It owns no rule: the domain's packages check what is sent (voucher, balance,
// transfer, points, alert).
package value
