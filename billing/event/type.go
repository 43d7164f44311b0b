package event

// Type says what has happened.
type Type string

// Object is what an event is about, and by which events are ordered.
type Object string

// The objects.
const (
	Party        Object = "party"
	Account      Object = "account"
	Subscription Object = "subscription"
	Bill         Object = "bill"
	Payment      Object = "payment"
	Threshold    Object = "threshold"
	Dunning      Object = "dunning"
	Service      Object = "service"
	Rerating     Object = "rerating"
	Target       Object = "webhook_endpoint"
)

// The types of events.
const (
	PartyCreated Type = "party.created"
	PartyChanged Type = "party.changed"

	AccountCreated Type = "account.created"
	AccountChanged Type = "account.changed"
	AccountClosed  Type = "account.closed"

	SubscriptionPending    Type = "subscription.pending"
	SubscriptionActivated  Type = "subscription.activated"
	SubscriptionSuspended  Type = "subscription.suspended"
	SubscriptionResumed    Type = "subscription.resumed"
	SubscriptionTerminated Type = "subscription.terminated"
	SubscriptionChanged    Type = "subscription.changed" // another plan

	ThresholdReached Type = "usage.threshold_reached"

	BillFinalized Type = "bill.finalized"
	BillSent      Type = "bill.sent"
	BillVoided    Type = "bill.voided"
	BillCredited  Type = "bill.credited"
	BillDebited   Type = "bill.debited"

	PaymentSucceeded    Type = "payment.succeeded"
	PaymentFailed       Type = "payment.failed"
	PaymentRefunded     Type = "payment.refunded"
	PaymentRefundFailed Type = "payment.refund_failed"
	PaymentDisputed     Type = "payment.disputed"

	DunningStarted  Type = "dunning.started"
	DunningStep     Type = "dunning.step"
	DunningPromised Type = "dunning.promised"
	DunningHeld     Type = "dunning.held"
	DunningResolved Type = "dunning.resolved"

	AccessChanged Type = "access.changed"

	ReratingApplied Type = "rerating.applied"
	ReratingWaits   Type = "rerating.waits"

	Test Type = "webhook.test" // of the button that tries an endpoint
)

// Kind is a type with what its payload looks like.
type Kind struct {
	Type    Type
	Object  Object
	Meaning string // in English, for whoever writes a program
	Data    any    // the zero value of its payload
}

// Kinds lists all types that an endpoint may choose.
var Kinds = []Kind{
	{PartyCreated, Party, "A person or organization is known from now on.", PartyData{}},
	{PartyChanged, Party, "Name, address or another detail of a party has changed.", PartyData{}},
	{AccountCreated, Account, "A billing account was opened.", AccountData{}},
	{AccountChanged, Account, "Limits or terms of a billing account have changed.", AccountData{}},
	{AccountClosed, Account, "A billing account was closed.", AccountData{}},
	{SubscriptionPending, Subscription, "An offering was taken; it is not active yet.", SubscriptionData{}},
	{SubscriptionActivated, Subscription, "A subscription is active for the first time.", SubscriptionData{}},
	{SubscriptionSuspended, Subscription, "A subscription is stopped for a while.", SubscriptionData{}},
	{SubscriptionResumed, Subscription, "A suspended subscription is active again.", SubscriptionData{}},
	{SubscriptionTerminated, Subscription, "A subscription has ended for good.", SubscriptionData{}},
	{SubscriptionChanged, Subscription, "A subscription has taken the place of another one: a change of plan.", SubscriptionData{}},
	{ThresholdReached, Threshold, "Usage, spending or a balance has crossed a threshold that the operator set.", ThresholdData{}},
	{BillFinalized, Bill, "A document is final and has its number.", BillData{}},
	{BillSent, Bill, "A document was sent to its subscriber.", BillData{}},
	{BillVoided, Bill, "A document was voided.", BillData{}},
	{BillCredited, Bill, "A credit note was given on a bill.", BillData{}},
	{BillDebited, Bill, "A debit note was added to a bill.", BillData{}},
	{PaymentSucceeded, Payment, "Money was received and booked.", PaymentData{}},
	{PaymentFailed, Payment, "A payment that was asked for did not come.", PaymentData{}},
	{PaymentRefunded, Payment, "Money was given back.", PaymentData{}},
	{PaymentRefundFailed, Payment, "Money could not be given back; it is credit or balance again.", PaymentData{}},
	{PaymentDisputed, Payment, "A payment is disputed, or the dispute has ended.", PaymentData{}},
	{DunningStarted, Dunning, "An account's overdue debt is being followed.", DunningData{}},
	{DunningStep, Dunning, "A step of dunning was taken.", DunningData{}},
	{DunningPromised, Dunning, "The subscriber has promised to pay by a day.", DunningData{}},
	{DunningHeld, Dunning, "Dunning was put on hold, or goes on.", DunningData{}},
	{DunningResolved, Dunning, "The debt is not followed any more.", DunningData{}},
	{AccessChanged, Service, "What a service may do on the network has changed.", AccessData{}},
	{ReratingApplied, Rerating, "Usage was priced anew after a change of plan, and what was charged for it corrected.", ReratingData{}},
	{ReratingWaits, Rerating, "Usage is to be priced anew after a change of plan; the sum is above a limit, so a person has to apply it.", ReratingData{}},
}

var kinds = func() map[Type]Kind {
	all := map[Type]Kind{Test: {Test, Target, "A trial of an endpoint.", TestData{}}}
	for _, k := range Kinds {
		all[k.Type] = k
	}
	return all
}()

func kindOf(t Type) (Kind, bool) {
	k, known := kinds[t]
	return k, known
}
