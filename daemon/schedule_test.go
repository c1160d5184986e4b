package daemon

import (
	"testing"
	"time"
)

func at(t *testing.T, text string) time.Time {
	t.Helper()
	v, err := time.Parse(time.RFC3339, text)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestScheduleAcrossDaylightSaving(t *testing.T) {
	tests := []struct {
		reason, zone, cron, after, want string
	}{
		{"an ordinary day", "America/New_York", "30 2 * * *", "2027-03-12T12:00:00Z", "2027-03-13T07:30:00Z"},
		{"half past two does not exist that night: it comes after the gap", "America/New_York", "30 2 * * *", "2027-03-13T08:00:00Z", "2027-03-14T07:30:00Z"},
		{"the day after is ordinary again", "America/New_York", "30 2 * * *", "2027-03-14T08:00:00Z", "2027-03-15T06:30:00Z"},
		{"every five minutes goes on through the gap", "Europe/Berlin", "*/5 * * * *", "2027-03-28T00:58:00Z", "2027-03-28T01:00:00Z"},
		{"UTC knows no gap", "UTC", "30 2 * * *", "2027-03-14T00:00:00Z", "2027-03-14T02:30:00Z"},
	}
	for _, tt := range tests {
		t.Run(tt.reason, func(t *testing.T) {
			s, err := newSchedule(&Config{Schedule: tt.cron, TimeZone: tt.zone})
			if err != nil {
				t.Fatal(err)
			}
			if got := s.next(at(t, tt.after)); !got.Equal(at(t, tt.want)) {
				t.Errorf("next after %s: want %s, got %s", tt.after, tt.want, got.UTC().Format(time.RFC3339))
			}
		})
	}
}

func TestMissedRunsAreCaughtUpOnce(t *testing.T) {
	s, err := newSchedule(&Config{Schedule: "0 * * * *", TimeZone: "UTC"})
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		reason, last, now string
		want              bool
	}{
		{"nothing was due in between", "2027-01-01T10:00:01Z", "2027-01-01T10:59:00Z", false},
		{"one was due", "2027-01-01T10:00:01Z", "2027-01-01T11:00:00Z", true},
		{"many were due", "2027-01-01T10:00:01Z", "2027-01-03T11:30:00Z", true},
	}
	for _, tt := range tests {
		if got := s.missed(at(t, tt.last), at(t, tt.now)); got != tt.want {
			t.Errorf("%s: want %t, got %t", tt.reason, tt.want, got)
		}
	}
	if !s.missed(time.Time{}, at(t, "2027-01-01T10:00:00Z")) {
		t.Error("a first start waits for the schedule")
	}
}

func TestWindows(t *testing.T) {
	w, err := newWindows(&Config{TimeZone: "UTC", Disruption: DisruptionConfig{Windows: []WindowConfig{
		{Start: "0 2 * * sat", Duration: Duration(4 * time.Hour)},
	}}})
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		reason, now string
		open        bool
		opens       string
	}{
		{"before it", "2027-01-01T12:00:00Z", false, "2027-01-02T02:00:00Z"},
		{"at its first instant", "2027-01-02T02:00:00Z", true, "2027-01-09T02:00:00Z"},
		{"within it", "2027-01-02T05:59:59Z", true, "2027-01-09T02:00:00Z"},
		{"at its end", "2027-01-02T06:00:00Z", false, "2027-01-09T02:00:00Z"},
	}
	for _, tt := range tests {
		got := w.at(at(t, tt.now))
		if got.Open != tt.open || !got.Opens.Equal(at(t, tt.opens)) || !got.Restricted {
			t.Errorf("%s: want open %t, next %s; got %+v", tt.reason, tt.open, tt.opens, got)
		}
	}
	if none, _ := newWindows(&Config{TimeZone: "UTC"}); none.at(time.Now()).Restricted {
		t.Error("no windows restrict something")
	}
}
