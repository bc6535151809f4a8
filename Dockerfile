# One image for the webserver, the daemon and the code server of docker-compose.yml.
FROM python:3.12-slim

RUN useradd --create-home --uid 1000 lsats
WORKDIR /app
ENV PYTHONUNBUFFERED=1 \
    PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PIP_NO_CACHE_DIR=1 \
    PIP_ROOT_USER_ACTION=ignore \
    DAGSTER_HOME=/app/dagster_home \
    LSATS_HOME=/app/state

# Packages first: they change seldom, and this layer is kept until they do.
COPY requirements.lock .
RUN pip install --require-hashes --no-deps --requirement requirements.lock

COPY pyproject.toml README.md workspace.docker.yaml ./
COPY dagster_home/dagster.yaml dagster_home/
COPY lsats_pipeline lsats_pipeline
RUN pip install --no-deps --no-build-isolation --editable . \
    && mkdir state \
    && chown -R lsats:lsats state dagster_home

USER lsats
