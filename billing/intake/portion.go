package intake

import (
	"github.com/google/uuid"

	"tollhouse/billing/account"
	"tollhouse/billing/balance"
	"tollhouse/billing/identity"
	"tollhouse/billing/onboarding"
	"tollhouse/billing/payment"
)

// portion is what some accounts of a batch bring, turned for bulk writes.
type portion struct {
	batch     Batch
	content   *content
	accounts  []account.ImportedAccount
	running   []onboarding.Imported
	orders    []onboarding.NewOrder
	discounts []account.Discount
	buckets   []balance.Imported
	prepaid   []uuid.UUID // that bring no main balance
	items     []payment.ImportedItem
	methods   []payment.StoredMethod
	users     []identity.NewUser
	documents []document
}

func (p *portion) add(s *subscriber) {
	p.accounts = append(p.accounts, s.account)
	p.buckets = append(p.buckets, s.buckets...)
	p.items = append(p.items, s.items...)
	p.methods = append(p.methods, s.methods...)
	p.documents = append(p.documents, s.documents...)
	id := s.account.ID
	if s.account.Kind == account.Prepaid && !s.hasMain {
		p.prepaid = append(p.prepaid, id)
	}
	for _, v := range s.services {
		if v.pending {
			p.orders = append(p.orders, onboarding.NewOrder{
				OfferingID: v.offering.ID, AccountID: &id, CreatedBy: p.batch.CreatedBy,
				Facts: v.orderFacts(p.content.world.requirements(v.offering), p.content.world),
			})
			continue
		}
		p.addRunning(s, v)
	}
	for _, u := range s.users {
		p.users = append(p.users, identity.NewUser{
			Email: u.email, Name: u.name, Role: identity.Subscriber, AccountID: &id, Language: string(u.language), Branch: &s.account.Branch,
		})
	}
}

func (p *portion) addRunning(s *subscriber, v *service) {
	subscription := p.content.id("subscription", v.key)
	p.running = append(p.running, onboarding.Imported{
		OrderID: p.content.id("order", v.key), SubscriptionID: subscription, AccountID: s.account.ID,
		OfferingID: v.offering.ID, Offering: v.offering.Offering, Facts: v.facts,
		ChargedThrough: v.chargedThrough, Term: v.term, CreatedBy: p.batch.CreatedBy,
	})
	for _, d := range v.discounts {
		d.SubscriptionID = subscription
		p.discounts = append(p.discounts, d)
	}
}
