// Package voucher keeps prepaid vouchers: batches of PINs that somebody sells
// and a subscriber turns into balance.
//
// It owns batches, their vouchers and PINs, and how often a wrong PIN may be
// tried. It does not own the balance that a voucher becomes (balance), the
// payment that it is (payment), or what follows from new money (charging).
//
// A batch is made whole; its list of PINs is sealed until somebody fetches it,
// once. A voucher's states:
//
//	made ──Sell──> active ──Redeem──> redeemed
//	 │ ^            │  ^ │
//	 │ └─Unblock─┐  │  │ └──Expire──> expired
//	 │           │  │  │                 ^
//	 ├──Block──> blocked <─Block─┘       │
//	 │           │  └──Unblock──^        │
//	 └───────────┴───────Expire──────────┘
//
// Selling is where money comes in: what was paid for a voucher, and what its
// seller keeps (promotions), are together its value, which is owed to whoever
// holds it. Redeeming turns that debt into balance; one that expires after it
// was sold becomes breakage.
//
// Always true:
//   - The ledger's vouchers are the values of those sold and neither redeemed
//     nor expired, blocked ones among them.
//   - A PIN stands nowhere in the clear; it is found by a keyed hash.
//   - A voucher is redeemed once, by one account, in one payment. A repeat of
//     that command gets the same answer.
//   - A try is counted before it is looked at, so that tries at the same time
//     cannot outrun the limit.
//   - Rows are locked in this order: account, batch, voucher, bucket.
package voucher
