"""Data: the routes of the hive's data, with the role that each needs and what it replies."""

from __future__ import annotations

from beemon.protocol.replies import (
    Accepted,
    Budget,
    Completeness,
    Devices,
    EventList,
    FindingList,
    JobFacts,
    JobList,
    ReadingList,
)
from beemon.protocol.views import (
    Calendar,
    DayRecordings,
    Gains,
    Series,
    SoundStrip,
    Traffic,
)
from beemon.web import downloads, files, metrics, numbers, recorder, sound, streaming
from beemon.web.roles import Role
from beemon.web.routes import Route

_CSV = "text/csv"

ROUTES: tuple[Route, ...] = (
    Route(
        method="GET", path="/api/status", role=Role.VIEWER, handler=recorder.get_status,
        summary="The state of the service and of each device", reply=recorder.StatusReply,
    ),
    Route(
        method="GET", path="/api/devices", role=Role.VIEWER, handler=recorder.get_devices,
        summary="The devices of the config", reply=Devices,
    ),
    Route(
        method="GET", path="/api/readings", role=Role.VIEWER, handler=recorder.get_readings,
        summary="The latest reading of each quantity", reply=ReadingList,
    ),
    Route(
        method="GET", path="/api/series", role=Role.VIEWER, handler=numbers.get_series,
        summary="One quantity over time, with its gaps", parameters=numbers.SERIES, reply=Series,
    ),
    Route(
        method="GET", path="/api/gains", role=Role.VIEWER, handler=numbers.get_gains,
        summary="The net change of each local day, without inspections",
        parameters=numbers.GAINS, reply=Gains,
    ),
    Route(
        method="GET", path="/api/events", role=Role.VIEWER, handler=numbers.get_events,
        summary="The events at the hive and in beemon", parameters=numbers.EVENTS,
        reply=EventList,
    ),
    Route(
        method="GET", path="/api/findings", role=Role.VIEWER, handler=numbers.get_findings,
        summary="The findings about the colony with their reasons, the latest of each matter",
        parameters=numbers.FINDINGS, reply=FindingList,
    ),
    Route(
        method="GET", path="/api/completeness", role=Role.VIEWER,
        handler=numbers.get_completeness, summary="The outcomes of the scheduled jobs",
        parameters=numbers.COMPLETENESS, reply=Completeness,
    ),
    Route(
        method="GET", path="/api/calendar", role=Role.VIEWER, handler=numbers.get_calendar,
        summary="The scheduled jobs of each day (UTC)", parameters=numbers.CALENDAR,
        reply=Calendar,
    ),
    Route(
        method="GET", path="/api/traffic", role=Role.VIEWER, handler=numbers.get_traffic,
        summary="The bees counted at the entrance in each local hour",
        parameters=numbers.TRAFFIC, reply=Traffic,
    ),
    Route(
        method="GET", path="/api/jobs", role=Role.VIEWER, handler=recorder.get_jobs,
        summary="The latest jobs", parameters=recorder.JOBS, reply=JobList,
    ),
    Route(
        method="GET", path="/api/jobs/{job}", role=Role.VIEWER, handler=recorder.get_job,
        summary="One job", parameters=recorder.JOB, reply=JobFacts,
    ),
    Route(
        method="GET", path="/api/budget", role=Role.VIEWER, handler=recorder.get_budget,
        summary="The disk space used each day", reply=Budget,
    ),
    Route(
        method="GET", path="/api/recordings", role=Role.OWNER, handler=files.get_recordings,
        summary="The recordings of a device in a day, and the scheduled times without one",
        parameters=files.RECORDINGS, reply=DayRecordings,
    ),
    Route(
        method="GET", path="/api/recordings/{job}", role=Role.OWNER,
        handler=files.get_recording, summary="The file of a recording, or a range of it",
        parameters=files.RECORDING, kind="application/octet-stream",
    ),
    Route(
        method="GET", path="/api/recordings/{job}/picture", role=Role.OWNER,
        handler=files.get_picture, summary="A picture, or the first one of a video",
        parameters=files.RECORDING, kind="image/jpeg",
    ),
    Route(
        method="GET", path="/api/sound/{device}/{day}.png", role=Role.OWNER,
        handler=sound.get_strip, summary="The sound of a day as a picture",
        parameters=sound.PICTURE, kind="image/png",
    ),
    Route(
        method="GET", path="/api/sound/{device}/{day}", role=Role.OWNER, handler=sound.get_sound,
        summary="The sound of a day: its recordings, and what is missing",
        parameters=sound.STRIP, reply=SoundStrip,
    ),
    Route(
        method="POST", path="/api/commands", role=Role.OWNER, handler=recorder.post_command,
        summary=f"Send a command: {', '.join(recorder.COMMANDS)}", body=recorder.CommandBody,
        reply=Accepted,
    ),
    Route(
        method="GET", path="/api/live/{device}.jpg", role=Role.OWNER, handler=files.get_live,
        summary="The newest live picture of a camera", parameters=files.LIVE, kind="image/jpeg",
    ),
    Route(
        method="GET", path="/api/changes", role=Role.VIEWER, handler=streaming.get_changes,
        summary="Server-sent events: status, job, reading, event", kind="text/event-stream",
    ),
    Route(
        method="GET", path="/api/export/series.csv", role=Role.VIEWER,
        handler=downloads.get_series_csv, summary="Each reading of a quantity, as CSV",
        parameters=downloads.SERIES, kind=_CSV,
    ),
    Route(
        method="GET", path="/api/export/events.csv", role=Role.VIEWER,
        handler=downloads.get_events_csv, summary="The newest events, as CSV",
        parameters=downloads.EVENTS, kind=_CSV,
    ),
    Route(
        method="GET", path="/api/export/completeness.csv", role=Role.VIEWER,
        handler=downloads.get_completeness_csv,
        summary="The outcomes of the scheduled jobs, as CSV",
        parameters=downloads.COMPLETENESS, kind=_CSV,
    ),
    Route(
        method="GET", path="/metrics", role=Role.VIEWER, handler=metrics.get_metrics,
        summary="The state of the hive and its latest readings, for Prometheus",
        kind="text/plain",
    ),
)
"""Every route of the data; the order matters only where one path could be another's."""
