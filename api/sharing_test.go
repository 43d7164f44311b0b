package api

import (
	"strings"
	"testing"

	"github.com/google/uuid"

	"tollhouse/billing/identity"
)

// familyPlan is prepaidNet with 10 GB that a family shares, of which a member
// may use 3.
var familyPlan = strings.Replace(prepaidNet, "code: net", "code: family", 1) +
	`allowances: [{code: data, names: {en: Data}, kinds: [data], priority: 2, validity_months: 1, amount: 10 GB, shared: {limit: 3 GB}}]
`

func TestSharing_overHTTP(t *testing.T) {
	c := newChargingWorld(t, "5.00") // the member, number 1
	c.publish(c.owner, familyPlan)
	owner, other := c.connectTo(c.owner, "family", 2), c.connectTo(c.owner, "net", 3)
	group := c.path("/accounts/" + owner + "/sharing-group")
	c.get(c.owner, group).want(t, 404) // there is none
	found := request{method: "POST", path: group, token: c.owner, key: uuid.NewString(), body: map[string]string{"name": "The Baker family"}}
	made := c.send(found).want(t, 201)
	if again := c.send(found).want(t, 201); string(again.raw) != string(made.raw) || made.text("owner") != owner || made.at("members", 0) != nil {
		t.Errorf("founded: %s", made.raw)
	}
	c.post(c.owner, group, map[string]string{"name": "Another"}).want(t, 409)
	c.post(c.owner, group, map[string]string{"name": ""}).refusedAt(c.world, 400, "name")
	join := func(account string) response {
		return c.post(c.owner, group+"/members", map[string]string{"account": account})
	}
	if joined := join(c.account).want(t, 201); joined.text("members", 0, "account") != c.account {
		t.Errorf("joined: %s", joined.raw)
	}
	join(c.account).want(t, 409)
	join(owner).want(t, 409)
	join(uuid.NewString()).want(t, 404)
	join("somebody").refusedAt(c.world, 400, "account")

	// the member uses what is shared: 3 GB by the allowance's limit
	gigabytes := func(id string, n int) response {
		return c.ask(c.machine, "/charging/events", debited(id, map[string]any{"kind": "data", "unit": "byte", "quantity": n * 1_000_000_000, "destination": nil}))
	}
	if got := gigabytes("one", 2).want(t, 200); got.text("covered") != "2000000000" || got.text("paid") != "0" {
		t.Errorf("within the limit: %s", got.raw)
	}
	limit := func(member string, body any) response {
		return c.post(c.owner, group+"/members/"+member+"/limit", body)
	}
	own := limit(c.account, map[string]string{"unit": "byte", "amount": "2500000000"}).want(t, 200)
	if own.text("members", 0, "limits", 0, "quantity") != "2500000000" || own.text("members", 0, "used", 0, "quantity") != "2000000000" {
		t.Errorf("limited: %s", own.raw)
	}
	if got := gigabytes("two", 1).want(t, 200); got.text("covered") != "500000000" || got.text("paid") != "0.5" {
		t.Errorf("beyond the limit: %s", got.raw)
	}
	limit(c.account, map[string]string{"unit": "byte", "amount": "-1"}).want(t, 400)
	limit(c.account, map[string]string{"unit": "litre", "amount": "1"}).refusedAt(c.world, 400, "unit")
	limit(other, map[string]string{"unit": "byte", "amount": "1"}).want(t, 404) // no member
	if without := limit(c.account, map[string]string{"unit": "byte"}).want(t, 200); without.at("members", 0, "limits", 0) != nil {
		t.Errorf("without a limit: %s", without.raw)
	}

	// the owner sees all members, a member its own use, others nothing
	accountID, otherID := c.accountOf(c.account), c.accountOf(other)
	member, stranger := c.user(c.db, identity.Subscriber, &accountID), c.user(c.db, identity.Subscriber, &otherID)
	if mine := c.get(member, c.path("/accounts/"+c.account+"/sharing-group")).want(t, 200); mine.text("owner") != owner || mine.text("buckets", 0, "code") != "data" {
		t.Errorf("a member sees %s", mine.raw)
	}
	c.get(stranger, group).want(t, 404)
	c.post(member, group+"/dissolve", map[string]string{"reason": "mine"}).want(t, 403)

	c.post(c.owner, group+"/members/"+c.account+"/leave", map[string]string{}).refusedAt(c.world, 400, "reason")
	if left := c.post(c.owner, group+"/members/"+c.account+"/leave", map[string]string{"reason": "moved out"}).want(t, 200); left.at("members", 0) != nil {
		t.Errorf("left: %s", left.raw)
	}
	if got := gigabytes("three", 1).want(t, 200); got.text("covered") != "0" || got.text("paid") != "1" {
		t.Errorf("who has left uses %s", got.raw)
	}
	c.post(c.owner, group+"/members/"+c.account+"/leave", map[string]string{"reason": "again"}).want(t, 404)
	if gone := c.post(c.owner, group+"/dissolve", map[string]string{"reason": "asked for"}).want(t, 200); gone.text("account") != owner {
		t.Errorf("dissolved: %s", gone.raw)
	}
	c.get(c.owner, group).want(t, 404)
	c.wantMoney("3.50", "0.00", "3.50")
}

// A debt limit lets prepaid money go below zero online, no further.
func TestAccountLimits_overHTTP(t *testing.T) {
	c := newChargingWorld(t, "0.50")
	limits := func(body any) response {
		return c.send(request{method: "PUT", path: c.path("/accounts/" + c.account + "/limits"), token: c.owner, key: uuid.NewString(), body: body})
	}
	debit := func(id string) response { return c.ask(c.machine, "/charging/events", debited(id, nil)) }
	debit("one").want(t, 200)
	debit("two").want(t, 422)
	limits(map[string]string{"debt_limit": "0.50"}).want(t, 200)
	debit("two").want(t, 200)
	debit("three").want(t, 422)
	c.wantMoney("-0.50", "0.00", "-0.50")
	limits(map[string]string{"debt_limit": "-1"}).refusedAt(c.world, 400, "debt_limit")
	limits(map[string]string{"debt_limit": "much"}).want(t, 400)
	c.send(request{method: "PUT", path: c.path("/accounts/" + uuid.NewString() + "/limits"), token: c.owner, key: uuid.NewString(), body: map[string]string{}}).want(t, 404)
	c.send(request{method: "PUT", path: c.path("/accounts/" + c.account + "/limits"), token: c.user(c.db, identity.Marketer, nil), key: uuid.NewString(), body: map[string]string{}}).want(t, 403)
}
