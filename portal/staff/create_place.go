package staff

import (
	"context"
	"errors"
	"strings"

	"github.com/google/uuid"

	"tollhouse/billing/tenant"
	"tollhouse/portal/ui"
	"tollhouse/portal/web"
	"tollhouse/provisioning"
	"tollhouse/provisioning/fleet"
	"tollhouse/tenants"
)

// Values of the form's place besides the empty one, which is the host database
// with the most room.
const (
	placeHost  = "host:"
	placeCloud = "cloud:"
)

// offerPlaces lists where a new stack can stand.
func (p pages) offerPlaces(v *web.StaffVisit, view *createView) error {
	r, chosen := v.Reader, view.Form.value("place")
	return p.read(v, func(ctx context.Context, tx tenants.Tx) error {
		pool, err := provisioning.PoolOf(ctx, tx)
		if err != nil {
			return err
		}
		view.Places = []ui.Choice{{Label: r.T("staff.new.place.pool", "n", whole(r, int64(pool.Free()))), Chosen: chosen == ""}}
		hosts, err := provisioning.HostDatabases(ctx, tx)
		if err != nil {
			return err
		}
		for _, h := range hosts {
			if h.Open && h.Stacks < h.Capacity {
				value := placeHost + h.Name
				label := r.T("staff.new.place.host", "name", h.Name, "n", whole(r, int64(h.Stacks)), "of", whole(r, int64(h.Capacity)))
				view.Places = append(view.Places, ui.Choice{Value: value, Label: label, Chosen: chosen == value})
			}
		}
		if p.Fleet == nil {
			return nil
		}
		for _, name := range p.Fleet.Clouds().Names() {
			value := placeCloud + name
			label := r.T("staff.new.place.cloud", "name", name, "place", p.Fleet.Clouds()[name].Place)
			view.Places = append(view.Places, ui.Choice{Value: value, Label: label, Chosen: chosen == value})
		}
		offers, err := fleet.Offers(ctx, tx)
		for _, o := range offers {
			if o.Kind == fleet.Size && o.RetiredAt == nil {
				view.Sizes = append(view.Sizes, ui.Choice{Value: o.Name, Label: o.Name + ": " + o.Title + ", " + r.Money(o.Price), Chosen: o.Name == view.Form.value("size")})
			}
		}
		return err
	})
}

// place reads where the stack is to stand.
func (f form) place() fleet.Place {
	if cloud, is := strings.CutPrefix(f.value("place"), placeCloud); is {
		return fleet.Place{Site: &fleet.NewSite{ID: provisioning.SiteID(uuid.Must(uuid.NewV7())), Cloud: cloud, Size: f.value("size")}}
	}
	return fleet.Place{Host: strings.TrimPrefix(f.value("place"), placeHost)}
}

// refusedPlace takes a refusal of a new operator that staff can do something
// about; false for anything else.
func (f *form) refusedPlace(r ui.Reader, err error) bool {
	switch {
	case errors.Is(err, tenants.ErrNameTaken):
		f.fault("name", r.T("staff.taken.name"))
	case errors.Is(err, provisioning.ErrNoRoom):
		f.fault("place", r.T("staff.new.place.full"))
	case errors.Is(err, provisioning.ErrHostFull):
		f.fault("place", r.T("staff.new.place.hostfull"))
	default:
		return f.refusedAs(r, err, map[string]string{"place.host_database": "place", "place.cloud": "place", "place.site": "place", "place.size": "size"})
	}
	return true
}

// planOperator shows what the operator's site would be, and makes nothing.
func (p pages) planOperator(v *web.StaffVisit, f form, id tenant.ID, admission tenants.Admission, place fleet.Place) error {
	_, plan, err := p.Fleet.PlanTakeOn(v.Context(), p.DB, p.Registry, v.Who, id, admission, place)
	switch {
	case f.refusedPlace(v.Reader, err):
		return p.showCreate(v, f, nil)
	case err != nil:
		return err
	case plan == nil:
		f.fault("place", v.Reader.T("staff.new.place.noplan"))
		return p.showCreate(v, f, nil)
	}
	return p.showCreate(v, f, planOf(v.Reader, *plan))
}
