package subscriber

import (
	"github.com/labstack/echo/v4"

	"tollhouse/portal/web"
)

// Register adds the pages' addresses below /t/:tenant.
func Register(e *echo.Echo, site *web.Site) {
	t := e.Group("/t/:tenant")
	entrance().Register(t, site.Open, site.SignedIn)
	t.GET("/", site.Open(start))
	t.POST("/pay", site.SignedIn(pay))
	t.POST("/promise", site.SignedIn(sendPromise))
	t.POST("/top-up", site.SignedIn(topUp))
	t.GET("/top-up", site.SignedIn(understand))
	t.GET("/payments/:intent", site.SignedIn(paymentState))
	t.GET("/wallet", site.SignedIn(wallet))
	t.POST("/wallet/voucher", site.SignedIn(sendVoucher))
	t.POST("/wallet/transfer", site.SignedIn(sendTransfer))
	t.POST("/wallet/card", site.SignedIn(keepCard))
	t.POST("/wallet/auto", site.SignedIn(saveAuto))
	t.POST("/wallet/auto/off", site.SignedIn(stopAuto))
	t.POST("/wallet/reward", site.SignedIn(sendReward))
	t.POST("/wallet/alerts/:alert/confirm", site.SignedIn(confirmAlert))
	t.GET("/cards", site.SignedIn(cards))
	t.POST("/cards", site.SignedIn(storeCard))
	t.POST("/cards/mandate", site.SignedIn(signMandate))
	t.POST("/cards/:method/auto", site.SignedIn(setAutoPay))
	t.POST("/cards/:method/remove", site.SignedIn(removeMethod))
	t.POST("/local", site.SignedIn(payLocal))
	t.GET("/local/:intent", site.SignedIn(localPage))
	t.GET("/sharing", site.SignedIn(sharing))
	t.POST("/sharing/limit", site.SignedIn(limitShared))
	t.GET("/usage", site.SignedIn(usagePageOf))
	t.GET("/usage/:period/:id", site.SignedIn(why))
	t.GET("/statements", site.SignedIn(statements))
	t.GET("/plan", site.SignedIn(plans))
	t.POST("/plan/:subscription/cancel", site.SignedIn(dropPlan))
	t.GET("/plan/:subscription/to/:offering", site.SignedIn(showPlan))
	t.POST("/plan/:subscription/to/:offering", site.SignedIn(changePlan))
	t.GET("/deposits", site.SignedIn(deposits))
	t.GET("/bills", site.SignedIn(billList))
	t.GET("/bills/:bill", site.SignedIn(billDetail))
	t.GET("/bills/:bill/pdf", site.SignedIn(billPDF))
	t.GET("/bills/:bill/ubl", site.SignedIn(billUBL))
	t.GET("/bills/:bill/csv", site.SignedIn(billCSV))
	t.GET("/old-bills/:bill/pdf", site.SignedIn(oldBillPDF))
	t.GET("/offers", site.SignedIn(offers))
	t.POST("/offers", site.SignedIn(redeemCode))
	t.POST("/offers/referral", site.SignedIn(drawReferral))
	t.GET("/options", site.SignedIn(options))
	t.GET("/options/:subscription/buy/:offering", site.SignedIn(showBuying))
	t.POST("/options/:subscription/buy/:offering", site.SignedIn(buyOption))
	t.GET("/options/:subscription/end", site.SignedIn(showEnding))
	t.POST("/options/:subscription/end", site.SignedIn(endOption))
	t.POST("/options/orders/:order/cancel", site.SignedIn(dropOption))
	t.GET("/changes/:migration/:subscription", site.SignedIn(showChange))
	t.POST("/changes/:migration/:subscription", site.SignedIn(stayAsIs))
	t.GET("/account", site.SignedIn(settings))
	t.POST("/account/language", site.SignedIn(setLanguage))
	t.POST("/account/contact", site.SignedIn(askContact))
	t.POST("/account/contact/confirm", site.SignedIn(confirmContact))
	t.GET("/account/messages", site.SignedIn(showMessages))
	t.POST("/account/choice", site.SignedIn(choose))
	t.GET("/"+noNewsPath+":token", site.Open(showNoNews))
	t.POST("/"+noNewsPath+":token", site.Open(stopNews))
	t.GET("/returned", site.Open(returned))
	t.GET("/"+linkPath+":token", site.Open(linkPage))
	t.POST("/"+linkPath+":token", site.Open(payLink))
	// A GET of an address that only takes forms, after a reload say, leads on.
	for path, on := range map[string]string{"/pay": "", "/account/language": "account", "/account/contact": "account", "/account/choice": "account", "/account/contact/confirm": "account", "/offers/referral": "offers"} {
		t.GET(path, site.Open(func(v *web.Visit) error { return v.Redirect(v.URL(on)) }))
	}
}

// start is the home page for a subscriber and the door for everybody else.
func start(v *web.Visit) error {
	if !v.SignedIn() {
		return entrance().Enter(v)
	}
	return home(v)
}
