package staff

import (
	"github.com/labstack/echo/v4"

	"tollhouse/portal/web"
	"tollhouse/tenants"
)

// registerSites adds the addresses of sites, sizes, capacity and upgrades.
func (p pages) registerSites(e *echo.Echo, site *web.Site) {
	read, write, remove := tenants.StackRead, tenants.StackWrite, tenants.StackRemove
	e.GET("/staff/sites", site.StaffOnly(read, p.sites))
	e.GET("/staff/sites/new", site.StaffOnly(write, p.newSite))
	e.POST("/staff/sites/new", site.StaffOnly(write, p.askSite))
	e.GET("/staff/sites/:site", site.StaffOnly(read, p.site))
	e.GET("/staff/sites/:site/change", site.StaffOnly(write, p.changeSite))
	e.POST("/staff/sites/:site/change", site.StaffOnly(write, p.askChange))
	e.POST("/staff/sites/:site/resume", site.StaffOnly(write, p.resumeSite))
	e.POST("/staff/sites/:site/repair", site.StaffOnly(write, p.repairSite))
	e.POST("/staff/sites/:site/clear", site.StaffOnly(write, p.clearSite))
	e.POST("/staff/sites/:site/reopen", site.StaffOnly(remove, p.reopenSite))
	e.POST("/staff/sites/:site/close", site.StaffOnly(remove, p.closeSite))
	e.POST("/staff/sites/:site/waive", site.StaffOnly(remove, p.waiveBackup))

	e.GET("/staff/sizes", site.StaffOnly(read, p.sizes))
	e.POST("/staff/sizes", site.StaffOnly(tenants.SizeWrite, p.putSize))

	e.GET("/staff/capacity", site.StaffOnly(read, p.capacity))
	e.POST("/staff/capacity/:cloud/look", site.StaffOnly(write, p.lookAtCloud))
	e.POST("/staff/capacity/:cloud/orphans/:site/adopt", site.StaffOnly(write, p.adoptOrphan))
	e.POST("/staff/capacity/:cloud/orphans/:site/delete", site.StaffOnly(remove, p.deleteOrphan))

	e.GET("/staff/upgrades", site.StaffOnly(read, p.upgrades))
	e.POST("/staff/upgrades", site.StaffOnly(write, p.startUpgrade))
	e.GET("/staff/upgrades/:upgrade", site.StaffOnly(read, p.upgrade))
	e.POST("/staff/upgrades/:upgrade/resume", site.StaffOnly(write, p.resumeUpgrade))
	e.POST("/staff/upgrades/:upgrade/rollback", site.StaffOnly(write, p.rollbackUpgrade))
}

func (p pages) repairSite(v *web.StaffVisit) error { return p.siteAct("repair", p.Fleet.Repair)(v) }

func (p pages) clearSite(v *web.StaffVisit) error { return p.siteAct("clear", p.Fleet.Clear)(v) }

func (p pages) reopenSite(v *web.StaffVisit) error { return p.siteAct("reopen", p.Fleet.Reopen)(v) }
