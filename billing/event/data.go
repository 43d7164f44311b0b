package event

import (
	"time"

	"github.com/google/uuid"

	"tollhouse/billing/calendar"
	"tollhouse/billing/money"
)

// The payloads are thin: what identifies the object, where it stands and what
// it is worth. Names, addresses and the rest are read from the API by whoever
// may. Fields are only ever added. doc tags are shown with the schema.

// PartyData is the payload of a party's events.
type PartyData struct {
	ID       uuid.UUID `json:"id" doc:"Of the party."`
	Kind     string    `json:"kind" doc:"individual or organization."`
	Language string    `json:"language" doc:"In which it is written to."`
}

// AccountData is the payload of a billing account's events.
type AccountData struct {
	ID          uuid.UUID  `json:"id" doc:"Of the billing account."`
	Number      string     `json:"number" doc:"As the subscriber knows it."`
	PartyID     uuid.UUID  `json:"party_id" doc:"Whose account it is."`
	ParentID    *uuid.UUID `json:"parent_id,omitempty" doc:"The account that pays for it."`
	Kind        string     `json:"kind" doc:"prepaid or postpaid."`
	State       string     `json:"state" doc:"active or closed."`
	Currency    string     `json:"currency" doc:"ISO 4217."`
	CreditLimit *string    `json:"credit_limit,omitempty" doc:"What it may owe, as a decimal number."`
	LegalEntity uuid.UUID  `json:"legal_entity_id" doc:"Who issues its bills."`
	Branch      uuid.UUID  `json:"branch_id" doc:"To which it belongs."`
	CreatedAt   time.Time  `json:"created_at" doc:"When it was opened."`
}

// SubscriptionData is the payload of a subscription's events.
type SubscriptionData struct {
	ID           uuid.UUID  `json:"id" doc:"Of the subscription."`
	AccountID    uuid.UUID  `json:"account_id" doc:"The billing account that pays."`
	OfferingID   uuid.UUID  `json:"offering_id" doc:"The version of the offering that was sold."`
	OfferingCode string     `json:"offering_code" doc:"The offering's code."`
	State        string     `json:"state" doc:"pending, active, suspended or terminated."`
	PartOf       *uuid.UUID `json:"part_of,omitempty" doc:"The subscription that it is part of."`
	ActivatedAt  *time.Time `json:"activated_at,omitempty" doc:"When it was active first."`
	TerminatedAt *time.Time `json:"terminated_at,omitempty" doc:"When it has ended."`
	Replaces     *uuid.UUID `json:"replaces,omitempty" doc:"The subscription whose place it has taken."`
	ReplacedBy   *uuid.UUID `json:"replaced_by,omitempty" doc:"The subscription that has taken its place."`
}

// ThresholdData is the payload of a crossed threshold.
type ThresholdData struct {
	ID             uuid.UUID  `json:"id" doc:"Of the crossing."`
	Rule           string     `json:"rule" doc:"Code of the operator's rule."`
	AccountID      uuid.UUID  `json:"account_id" doc:"The billing account concerned."`
	SubscriptionID *uuid.UUID `json:"subscription_id,omitempty" doc:"The subscription concerned, if it is one."`
	Action         string     `json:"action" doc:"What follows: notify, slow, cut or offer."`
	Reached        string     `json:"reached" doc:"The value reached, as a decimal number."`
	Threshold      string     `json:"threshold" doc:"The threshold, as a decimal number."`
	Unit           string     `json:"unit" doc:"A currency, second, byte, event or point."`
	At             time.Time  `json:"at" doc:"When it was crossed."`
}

// BillData is the payload of a document's events.
type BillData struct {
	ID         uuid.UUID     `json:"id" doc:"Of the document."`
	Number     string        `json:"number" doc:"As on the document."`
	Kind       string        `json:"kind" doc:"What document it is: bill, statement, credit_note and so on."`
	State      string        `json:"state" doc:"final or void."`
	AccountID  uuid.UUID     `json:"account_id" doc:"The billing account that it is for."`
	Net        money.Amount  `json:"net" doc:"Without tax."`
	Tax        money.Amount  `json:"tax" doc:"The tax."`
	Total      money.Amount  `json:"total" doc:"With tax."`
	Due        money.Amount  `json:"due" doc:"What was to be paid when it became final."`
	CycleFrom  calendar.Date `json:"cycle_from" doc:"First day of the period."`
	CycleTo    calendar.Date `json:"cycle_to" doc:"The day after the last one of the period."`
	IssueDate  calendar.Date `json:"issue_date" doc:"As on the document."`
	DueDate    calendar.Date `json:"due_date" doc:"Until when it is to be paid."`
	NoteID     *uuid.UUID    `json:"note_id,omitempty" doc:"The credit or debit note that was made on it."`
	NoteNumber string        `json:"note_number,omitempty" doc:"Its number."`
	NoteTotal  *money.Amount `json:"note_total,omitempty" doc:"Its total with tax."`
	SentBy     string        `json:"sent_by,omitempty" doc:"How it was sent: mail, sms or portal."`
}

// PaymentData is the payload of a payment's events.
type PaymentData struct {
	ID         *uuid.UUID    `json:"id,omitempty" doc:"Of the payment; a failed one has none."`
	IntentID   *uuid.UUID    `json:"intent_id,omitempty" doc:"Of what the payer was asked for."`
	AccountID  uuid.UUID     `json:"account_id" doc:"The billing account that pays."`
	Purpose    string        `json:"purpose" doc:"bill or topup."`
	Method     string        `json:"method" doc:"How the money came."`
	Amount     money.Amount  `json:"amount" doc:"The whole payment."`
	Unapplied  *money.Amount `json:"unapplied,omitempty" doc:"Of it, kept as credit."`
	RefundID   *uuid.UUID    `json:"refund_id,omitempty" doc:"Of the refund."`
	Refunded   *money.Amount `json:"refunded,omitempty" doc:"What this refund gives back."`
	DisputeID  string        `json:"dispute_id,omitempty" doc:"Of the dispute, at the provider."`
	Dispute    string        `json:"dispute,omitempty" doc:"Where the dispute stands: opened, won or lost."`
	Disputed   *money.Amount `json:"disputed,omitempty" doc:"What is disputed."`
	Failure    string        `json:"failure,omitempty" doc:"Why it failed, as the provider says."`
	ReceivedAt *time.Time    `json:"received_at,omitempty" doc:"When the money was received."`
}

// DunningData is the payload of the following of a debt.
type DunningData struct {
	ID          uuid.UUID      `json:"id" doc:"Of the following of this debt."`
	AccountID   uuid.UUID      `json:"account_id" doc:"The billing account that owes."`
	State       string         `json:"state" doc:"Where it stands."`
	Step        string         `json:"step,omitempty" doc:"The step taken, as the operator's ladder names it."`
	Action      string         `json:"action,omitempty" doc:"remind, slow, wall, suspend, terminate and so on."`
	Overdue     money.Amount   `json:"overdue" doc:"What is overdue."`
	OldestDue   *calendar.Date `json:"oldest_due,omitempty" doc:"Due date of the oldest overdue bill."`
	PromisedFor *calendar.Date `json:"promised_for,omitempty" doc:"The day until which the subscriber has promised to pay."`
	Reason      string         `json:"reason,omitempty" doc:"Why it is held or has ended."`
}

// AccessData is the payload of a change of what a service may do.
type AccessData struct {
	ServiceID      uuid.UUID `json:"service_id" doc:"Of the service."`
	SubscriptionID uuid.UUID `json:"subscription_id" doc:"Of its subscription."`
	AccountID      uuid.UUID `json:"account_id" doc:"The billing account that pays."`
	Before         string    `json:"before" doc:"What it might do: allowed, slowed, walled or cut."`
	After          string    `json:"after" doc:"What it may do from now on."`
	Reason         string    `json:"reason" doc:"Why."`
	Confirmed      bool      `json:"confirmed" doc:"Whether the network has confirmed it."`
}

// ReratingData is the payload of a re-rating's events.
type ReratingData struct {
	ID             uuid.UUID    `json:"id" doc:"Of the re-rating."`
	AccountID      uuid.UUID    `json:"account_id" doc:"The billing account whose usage it is."`
	SubscriptionID uuid.UUID    `json:"subscription_id" doc:"Whose plan was changed."`
	PlanChangeID   uuid.UUID    `json:"plan_change_id" doc:"The change of plan that brought it about."`
	From           string       `json:"from" doc:"The first day of the usage."`
	Charges        int          `json:"charges" doc:"How many charges change."`
	Gross          money.Amount `json:"gross" doc:"What they come to more, tax included; below zero, less."`
}

// TestData is the payload of a trial.
type TestData struct {
	EndpointID uuid.UUID `json:"endpoint_id" doc:"The endpoint that is tried."`
	Message    string    `json:"message" doc:"A greeting."`
}
