package ledger

import "github.com/google/uuid"

// Kind is a line of the chart of accounts.
type Kind string

// The chart of accounts. The first group belongs to one customer each and
// needs an id, the second is the general ledger, the third counts units.
const (
	Prepaid        Kind = "prepaid"         // liability; id is a money bucket
	Receivable     Kind = "receivable"      // asset; id is a billing account
	Unbilled       Kind = "unbilled"        // asset; id is a billing account
	CustomerCredit Kind = "customer_credit" // liability; id is a billing account
	Deferred       Kind = "deferred"        // liability; id is a subscription

	Revenue          Kind = "revenue"
	Tax              Kind = "tax"
	ProviderClearing Kind = "provider_clearing"
	Bank             Kind = "bank"
	Cash             Kind = "cash"
	Deposit          Kind = "deposit"
	Vouchers         Kind = "voucher" // liability: sold, not redeemed yet
	PartnerPayable   Kind = "partner_payable"
	Promotion        Kind = "promotion" // contra-revenue
	Breakage         Kind = "breakage"  // bought money that expired
	Dispute          Kind = "dispute"
	WriteOff         Kind = "write_off"
	Rounding         Kind = "rounding"
	FXClearing       Kind = "fx_clearing"
	Opening          Kind = "opening"         // what customers had and owed before us
	Advance          Kind = "advance"         // liability: billed before the service, not deducted yet
	Interest         Kind = "interest"        // asked for late payment, paid on deposits
	ProviderFee      Kind = "provider_fee"    // expense: what banks and providers take
	CashDifference   Kind = "cash_difference" // counted less or more than there should be
	Transit          Kind = "transit"         // asset: on its way to the bank
	TaxAhead         Kind = "tax_ahead"       // asset; id is a money bucket: tax of its money that was due at its sale, until use takes it
	TaxWithheld      Kind = "tax_withheld"    // asset: tax that buyers kept back and paid to the tax office in our name

	UnitBucket   Kind = "unit_bucket" // id is a bucket of seconds, bytes, events or points
	UnitIssued   Kind = "unit_issued"
	UnitConsumed Kind = "unit_consumed"
)

// totalKind says which running total an account of a kind has.
type totalKind uint8

const (
	unknownKind   totalKind = iota
	noTotal                 // general ledger
	bucketTotal             // id is a bucket
	accountTotal            // id is a billing account
	deferredTotal           // id is a subscription
)

// total is the one table of kinds; a kind it does not know is no kind.
func (k Kind) total() totalKind {
	switch k {
	case Prepaid, UnitBucket, TaxAhead:
		return bucketTotal
	case Receivable, Unbilled, CustomerCredit:
		return accountTotal
	case Deferred:
		return deferredTotal
	case Revenue, Tax, ProviderClearing, Bank, Cash, Deposit, Vouchers, PartnerPayable, Promotion,
		Breakage, Dispute, WriteOff, Rounding, FXClearing, Opening, Advance, Interest, ProviderFee, CashDifference, Transit, TaxWithheld, UnitIssued, UnitConsumed:
		return noTotal
	}
	return unknownKind
}

// countsUnits says whether the account holds a commodity and not money.
func (k Kind) countsUnits() bool { return k == UnitBucket || k == UnitIssued || k == UnitConsumed }

// Account is one side of a transfer. ID is uuid.Nil for the general ledger.
type Account struct {
	Kind Kind
	ID   uuid.UUID
}

// General is an account of the general ledger.
func General(kind Kind) Account { return Account{Kind: kind} }

// Of is the account of one customer: of a bucket, a billing account or a
// subscription, as the kind asks.
func Of(kind Kind, id uuid.UUID) Account { return Account{Kind: kind, ID: id} }

// valid says whether the kind exists and has an id exactly if it needs one.
func (a Account) valid() bool {
	total := a.Kind.total()
	return total != unknownKind && (total != noTotal) == (a.ID != uuid.Nil)
}
