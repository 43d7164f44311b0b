package pgbackrest

import (
	"context"
	"encoding/json"
	"fmt"
	"time"
)

// Kept is one backup in the repository.
type Kept struct {
	Label     string
	Full      bool
	EndedAt   time.Time
	SizeBytes int64 // of the database
	RepoBytes int64 // that it takes in the repository
}

// Info is what the repository holds.
type Info struct {
	Backups   []Kept // oldest first
	Encrypted bool
	Archived  string // newest segment of the log
}

// infoJSON is the part of `pgbackrest info --output=json` that is used.
type infoJSON []struct {
	Cipher  string `json:"cipher"`
	Archive []struct {
		Max string `json:"max"`
	} `json:"archive"`
	Backup []struct {
		Label     string `json:"label"`
		Type      string `json:"type"`
		Timestamp struct {
			Stop int64 `json:"stop"`
		} `json:"timestamp"`
		Info struct {
			Size       int64 `json:"size"`
			Repository struct {
				Size int64 `json:"delta"`
			} `json:"repository"`
		} `json:"info"`
	} `json:"backup"`
}

// Info asks the repository.
func (a *Archive) Info(ctx context.Context) (Info, error) {
	text, err := a.run(ctx, a.configFile(), "--output=json", "info")
	if err != nil {
		return Info{}, err
	}
	return parseInfo(text)
}

func parseInfo(text []byte) (Info, error) {
	var found infoJSON
	if err := json.Unmarshal(text, &found); err != nil {
		return Info{}, fmt.Errorf("read pgbackrest's info: %w", err)
	}
	var info Info
	for _, s := range found {
		info.Encrypted = s.Cipher == "aes-256-cbc"
		for _, archive := range s.Archive {
			info.Archived = archive.Max
		}
		for _, b := range s.Backup {
			info.Backups = append(info.Backups, Kept{Label: b.Label, Full: b.Type == "full", EndedAt: time.Unix(b.Timestamp.Stop, 0).UTC(),
				SizeBytes: b.Info.Size, RepoBytes: b.Info.Repository.Size})
		}
	}
	return info, nil
}
