package staff

import (
	"context"
	"net/http"
	"strconv"

	"tollhouse/billing/money"
	"tollhouse/portal/ui"
	"tollhouse/portal/web"
	"tollhouse/provisioning"
	"tollhouse/provisioning/fleet"
	"tollhouse/tenants"
)

// sizesView is what sites are sold as.
type sizesView struct {
	ui.ConsolePage
	Rows  []sizeRow
	Form  form
	May   bool
	Done  string
	Kinds []ui.Choice
}

type sizeRow struct {
	Name, Title, Kind, Machine, Workers, Data, Guarantee, Price string
	Standby, Retired                                            bool
}

var sizeFields = []string{"name", "kind", "title", "shape.flavor", "shape.worker_flavor", "shape.workers", "shape.boot_gb", "shape.data_gb", "standby", "guarantee", "price.amount", "currency", "retired"}

func (p pages) sizes(v *web.StaffVisit) error {
	f := newForm(map[string]string{"kind": string(fleet.Size), "currency": "EUR", "shape.boot_gb": "20"})
	if name := v.Query("size"); name != "" {
		err := p.read(v, func(ctx context.Context, tx tenants.Tx) error {
			o, err := fleet.GetOffer(ctx, tx, name)
			if err == nil {
				f = sizeForm(o)
			}
			return err
		})
		if err != nil {
			return err
		}
	}
	return p.showSizes(v, f)
}

func sizeForm(o fleet.Offer) form {
	whole := func(n int) string { return strconv.Itoa(n) }
	f := newForm(map[string]string{"name": o.Name, "kind": string(o.Kind), "title": o.Title, "shape.flavor": o.Shape.Flavor, "shape.worker_flavor": o.Shape.WorkerFlavor,
		"shape.workers": whole(o.Shape.Workers), "shape.boot_gb": whole(o.Shape.BootGB), "shape.data_gb": whole(o.Shape.DataGB), "guarantee": strconv.FormatInt(o.Guarantee, 10),
		"price.amount": o.Price.Text(), "currency": o.Price.Currency().Code()})
	if o.Shape.Standby {
		f.values["standby"] = "yes"
	}
	if o.RetiredAt != nil {
		f.values["retired"] = "yes"
	}
	f.Open = true
	return f
}

func (p pages) showSizes(v *web.StaffVisit, f form) error {
	frame, err := p.frame(v, sitesSection, v.Reader.T("staff.size.title"))
	if err != nil {
		return err
	}
	r := v.Reader
	view := sizesView{ConsolePage: frame, Form: f, May: v.May(tenants.SizeWrite), Done: v.Query("done")}
	for _, k := range []fleet.OfferKind{fleet.Size, fleet.AddOn} {
		view.Kinds = append(view.Kinds, ui.Choice{Value: string(k), Label: r.T("staff.size.kind." + string(k)), Chosen: string(k) == f.value("kind")})
	}
	err = p.read(v, func(ctx context.Context, tx tenants.Tx) error {
		offers, err := fleet.Offers(ctx, tx)
		for _, o := range offers {
			row := sizeRow{Name: o.Name, Title: o.Title, Kind: r.T("staff.size.kind." + string(o.Kind)), Machine: orDash(o.Shape.Flavor), Workers: strconv.Itoa(o.Shape.Workers),
				Data: r.T("staff.site.gb", "n", whole(r, int64(o.Shape.DataGB))), Guarantee: "–", Price: r.Money(o.Price), Standby: o.Shape.Standby, Retired: o.RetiredAt != nil}
			if o.Guarantee > 0 {
				row.Guarantee = whole(r, o.Guarantee)
			}
			view.Rows = append(view.Rows, row)
		}
		return err
	})
	if err != nil {
		return err
	}
	status := http.StatusOK
	if f.wrong() {
		status = http.StatusUnprocessableEntity
	}
	return v.Show(status, sizesPage(view))
}

func (p pages) putSize(v *web.StaffVisit) error {
	f := sent(v, sizeFields...)
	whole := func(name string) int {
		if f.value(name) == "" {
			return 0
		}
		n, err := strconv.Atoi(f.value(name))
		if err != nil {
			f.fault(name, wanted(v.Reader, name))
		}
		return n
	}
	o := fleet.Offer{Name: f.value("name"), Kind: fleet.OfferKind(f.value("kind")), Title: f.value("title"), Guarantee: int64(whole("guarantee")),
		Shape: provisioning.Shape{Flavor: f.value("shape.flavor"), WorkerFlavor: f.value("shape.worker_flavor"), Workers: whole("shape.workers"), BootGB: whole("shape.boot_gb"),
			DataGB: whole("shape.data_gb"), Standby: f.ticked("standby")}}
	currency, err := money.ParseCurrency(f.value("currency"))
	if err != nil {
		f.fault("currency", wanted(v.Reader, "currency"))
	}
	if o.Price, err = money.Parse(f.value("price.amount"), currency); err != nil {
		f.fault("price.amount", wanted(v.Reader, "price.amount"))
	}
	if f.wrong() {
		return p.showSizes(v, f)
	}
	err = p.write(v, func(ctx context.Context, tx tenants.Tx) error {
		_, err := fleet.PutOffer(ctx, tx, v.Who, o, f.ticked("retired"))
		return err
	})
	if f.refusedAs(v.Reader, err, map[string]string{"price": "price.amount", "shape": "shape.workers"}) {
		return p.showSizes(v, f)
	}
	if err != nil {
		return err
	}
	return v.Redirect(v.URL("sizes", "done", "put"))
}
