package visit

import (
	"context"
	"fmt"

	"tollhouse/billing/account"
	"tollhouse/billing/identity"
	"tollhouse/billing/notice"
	"tollhouse/billing/tenant"
)

// letter is what owners are told of a break-glass, in one language. Its text
// takes visitor, operator, reason, end, approver and what they may do.
type letter struct {
	subject, text, looks, changes string
}

var letters = map[string]letter{
	"en": {
		"Hosting staff entered your console without your consent",
		"%[1]s of your hosting staff entered the console of %[2]s by break-glass, without your consent.\n\nReason: %[3]s\nApproved by: %[5]s\nIt ends by itself at %[4]s.\nThey may %[6]s.\n\nEverything they do is in your audit. You see the visit in your console and can end it there at any time.\n",
		"look at everything", "look at everything and do what your support staff may do",
	},
	"id": {
		"Staf hosting masuk ke konsol Anda tanpa persetujuan Anda",
		"%[1]s dari staf hosting masuk ke konsol %[2]s dengan akses darurat, tanpa persetujuan Anda.\n\nAlasan: %[3]s\nDisetujui oleh: %[5]s\nBerakhir dengan sendirinya pada %[4]s.\nMereka boleh %[6]s.\n\nSemua yang mereka lakukan tercatat di audit Anda. Kunjungan ini terlihat di konsol dan dapat Anda akhiri kapan saja.\n",
		"melihat semuanya", "melihat semuanya dan melakukan apa yang boleh dilakukan staf dukungan Anda",
	},
	"ru": {
		"Сотрудник хостинга вошёл в вашу консоль без вашего согласия",
		"%[1]s из службы хостинга вошёл в консоль %[2]s в аварийном порядке, без вашего согласия.\n\nПричина: %[3]s\nРазрешил: %[5]s\nДоступ закончится сам: %[4]s.\nМожно: %[6]s.\n\nВсе действия записаны в вашем журнале. Визит виден в консоли, и его можно прервать в любой момент.\n",
		"смотреть всё", "смотреть всё и делать то, что может ваша служба поддержки",
	},
}

// maxOwners bounds how many owners are written to.
const maxOwners = 1000

// tellOwners writes to every active owner, in the owner's language and the
// operator's zone.
func tellOwners(ctx context.Context, tx tenant.Tx, v Visit) error {
	profile, err := account.GetProfile(ctx, tx)
	if err != nil {
		return err
	}
	rows, err := tx.Query(ctx, `
		select email, language
		  from app_user
		 where role = $1 and state = 'active'
		 order by id
		 limit $2`, identity.Owner, maxOwners)
	if err != nil {
		return fmt.Errorf("find owners: %w", err)
	}
	defer rows.Close()
	owners := map[string]letter{}
	for rows.Next() {
		var email, language string
		if err := rows.Scan(&email, &language); err != nil {
			return fmt.Errorf("find owners: %w", err)
		}
		owners[email] = letters[language]
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("find owners: %w", err)
	}
	for email, l := range owners {
		may := l.looks
		if v.MayChange {
			may = l.changes
		}
		body := fmt.Sprintf(l.text, v.Staff.Email, profile.Name, v.Reason, v.ExpiresAt.In(profile.Zone).Format("2006-01-02 15:04 MST"), v.Approver.Email, may)
		if err := notice.Send(ctx, tx, notice.Message{Kind: notice.StaffEntered, Channel: notice.Mail, To: email, Subject: l.subject, Body: body}); err != nil {
			return err
		}
	}
	return nil
}
