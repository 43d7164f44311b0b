package staff

import (
	"context"

	"github.com/labstack/echo/v4"

	"tollhouse/portal/web"
	"tollhouse/provisioning"
	"tollhouse/provisioning/backup"
	"tollhouse/provisioning/enrol"
	"tollhouse/provisioning/fleet"
	"tollhouse/provisioning/move"
	"tollhouse/tenants"
)

// Control is the control plane as these pages need it.
type Control struct {
	DB       *tenants.DB
	Commands *tenants.Commands
	Registry *tenants.Registry
	Staff    *tenants.Staff
	Visits   *provisioning.Visits
	Watch    *provisioning.Watch
	Fleet    *fleet.Fleet
	Desk     *enrol.Desk
	Mover    *move.Mover
	Ends     move.Ends
	TakeOuts *backup.TakeOuts
}

// pages are what the handlers share.
type pages struct{ *Control }

// Register adds the addresses of staff's pages.
func Register(e *echo.Echo, site *web.Site, control *Control) {
	p := pages{control}
	e.GET("/staff", site.StaffOpen(func(v *web.StaffVisit) error { return v.Redirect(v.URL("")) }))
	e.GET("/staff/sign-in", site.StaffOpen(p.door))
	e.POST("/staff/sign-in", site.StaffOpen(p.signIn))
	e.POST("/staff/sign-in/factor", site.StaffOpen(p.secondFactor))
	e.POST("/staff/sign-out", site.StaffOpen(p.signOut))

	e.GET("/staff/", site.StaffOnly("", p.wall))
	e.GET("/staff/operators", site.StaffOnly(tenants.OperatorRead, p.operators))
	e.GET("/staff/operators/new", site.StaffOnly(tenants.OperatorCreate, p.newOperator))
	e.POST("/staff/operators/new", site.StaffOnly(tenants.OperatorCreate, p.createOperator))
	e.GET("/staff/operators/:operator", site.StaffOnly(tenants.OperatorRead, p.operator))
	e.POST("/staff/operators/:operator/suspend", site.StaffOnly(tenants.OperatorSuspend, p.suspend))
	e.POST("/staff/operators/:operator/pool", site.StaffOnly(tenants.OperatorCreate, p.placeWithOthers))
	e.POST("/staff/operators/:operator/resume", site.StaffOnly(tenants.OperatorSuspend, p.resume))
	e.POST("/staff/operators/:operator/enter", site.StaffOnly(tenants.VisitEnter, p.enter))
	e.POST("/staff/operators/:operator/break-glass", site.StaffOnly(tenants.VisitEnter, p.askBreakGlass))
	e.POST("/staff/operators/:operator/visits/:visit/leave", site.StaffOnly(tenants.VisitEnter, p.leave))

	e.POST("/staff/requests/:request/approve", site.StaffOnly(tenants.VisitApprove, p.approve))
	e.POST("/staff/requests/:request/refuse", site.StaffOnly(tenants.VisitApprove, p.decide(tenants.Refused)))
	e.POST("/staff/requests/:request/withdraw", site.StaffOnly(tenants.VisitEnter, p.decide(tenants.Withdrawn)))
	e.POST("/staff/requests/:request/enter", site.StaffOnly(tenants.VisitEnter, p.enterApproved))

	p.registerSites(e, site)
	e.GET("/staff/operators/:operator/guarantee", site.StaffOnly(tenants.StackRead, p.guarantee))
	e.POST("/staff/operators/:operator/guarantee", site.StaffOnly(tenants.StackWrite, p.setGuarantee))
	e.POST("/staff/capacity/hosts/:host", site.StaffOnly(tenants.HostWrite, p.setCarries))
	e.GET("/staff/operators/:operator/place", site.StaffOnly(tenants.StackRead, p.movePage))
	e.POST("/staff/operators/:operator/place", site.StaffOnly(tenants.StackMove, p.startMove))
	e.POST("/staff/operators/:operator/place/moves/:move", site.StaffOnly(tenants.StackMove, p.decideMove))
	e.POST("/staff/operators/:operator/place/take-outs", site.StaffOnly(tenants.TakeOutWrite, p.beginTakeOut))
	e.GET("/staff/take-outs/:takeout", site.StaffOnly(tenants.TakeOutWrite, p.takeOutFile))
	e.GET("/staff/backups", site.StaffOnly(tenants.StackRead, p.backups))
	e.POST("/staff/backups/:server", site.StaffOnly(tenants.BackupRun, p.askBackup))

	e.GET("/staff/people", site.StaffOnly(tenants.StaffRead, p.people))
	e.POST("/staff/people", site.StaffOnly(tenants.StaffWrite, p.addPerson))
	e.POST("/staff/people/:person", site.StaffOnly(tenants.StaffWrite, p.changePerson))
	e.POST("/staff/people/:person/reset", site.StaffOnly(tenants.StaffWrite, p.resetPerson))

	e.GET("/staff/audit", site.StaffOnly(tenants.AuditRead, p.audit))
	e.GET("/staff/audit.csv", site.StaffOnly(tenants.AuditRead, p.auditSheet))

	e.GET("/staff/security", site.StaffOnly("", p.security))
	e.POST("/staff/security/password", site.StaffOnly("", p.changePassword))
	e.POST("/staff/security/sessions/end", site.StaffOnly("", p.endOthers))
	e.POST("/staff/security/factor", site.StaffOnly("", p.beginFactor))
	e.POST("/staff/security/factor/confirm", site.StaffOnly("", p.confirmFactor))
	e.POST("/staff/security/factor/remove", site.StaffOnly("", p.removeFactor))

	p.registerMachines(e, site)
	p.registerContracts(e, site)

	e.GET("/staff/*", site.StaffOnly("", func(*web.StaffVisit) error { return tenants.ErrNotFound }))
}

func (p pages) read(v *web.StaffVisit, fn func(ctx context.Context, tx tenants.Tx) error) error {
	return p.DB.Read(v.Context(), fn)
}

func (p pages) write(v *web.StaffVisit, fn func(ctx context.Context, tx tenants.Tx) error) error {
	return p.DB.Write(v.Context(), fn)
}
