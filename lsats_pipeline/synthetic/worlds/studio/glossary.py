"""What the columns of the world studio mean, by `table.column` or by a name that several share."""

from __future__ import annotations

GLOSSARY = {
    "title": "title of the image: the beginning of its prompt",
    "content_type": "kind of content: image",
    "item_metadata": "prompt and settings that the image was made with",
    "creator_id": "the person whose image it is",
    "tags": "words to find the image by",
    "quality_score": "how good the image is taken to be, from 0 to 1",
    "is_private": "whether only its creator sees it",
    "users.id": "id of the person",
    "users.username": "name that others see; all names are made up",
    "users.email": "mail address; none exists",
    "users.preferences": "favourite tags and settings",
    "users.is_active": "whether the person may log in",
    "content_items.id": "number of the image",
    "content_items_auto.id": "number of the image",
    "generation_jobs.id": "number of the attempt",
    "generation_jobs.user_id": "the person it is for",
    "generation_jobs.job_type": "kind of content that is made",
    "generation_jobs.prompt": "text that the image is made from",
    "generation_jobs.parameters": "settings of the attempt",
    "generation_jobs.status": "what became of it: completed, failed ...",
    "generation_jobs.result_content_id": "the image that a person asked for",
    "generation_jobs.result_content_auto_id": "the image that was made unasked",
    "generation_jobs.started_at": "when the work on it began",
    "generation_jobs.completed_at": "when it ended, whether well or not",
    "generation_jobs.error_message": "why it failed",
}
