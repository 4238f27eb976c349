# Cadencia, for any container engine: `docker build -t cadencia .` (docs/operations.md).
# The first stage has what it takes to install; the second has what runs, and nothing that builds.

FROM python:3.11-slim-trixie AS build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore
WORKDIR /src
RUN python -m venv /opt/cadencia
# The lock alone first: this layer is made anew only when a dependency changes.
COPY requirements.txt ./
RUN /opt/cadencia/bin/pip install --only-binary=:all: --require-hashes -r requirements.txt
COPY pyproject.toml README.md LICENSE ./
COPY tracker tracker
COPY integrations integrations
COPY web web
COPY workers workers
# setuptools comes from the lock, so nothing is fetched here; then what installs goes.
RUN /opt/cadencia/bin/pip install --no-deps --no-build-isolation --no-index . \
 && /opt/cadencia/bin/pip uninstall --yes setuptools pip
# Google's client brings the descriptions of 500 interfaces; three are used.
RUN find /opt/cadencia -path '*/discovery_cache/documents/*.json' \
    ! -name 'calendar.v3.json' ! -name 'meet.v2.json' ! -name 'oauth2.v2.json' -delete

FROM python:3.11-slim-trixie
# For `cadencia backup` and `restore` with PostgreSQL: programs not older than the server (compose.yaml: 17).
RUN apt-get update \
 && apt-get install --yes --no-install-recommends postgresql-client-17 \
 && rm -rf /var/lib/apt/lists/* \
 && groupadd --gid 10001 cadencia \
 && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /data --shell /usr/sbin/nologin cadencia \
 && install --directory --owner=10001 --group=10001 --mode=0700 /data
COPY --from=build /opt/cadencia /opt/cadencia
# The root file system may be read-only: only /data (a volume) and /tmp (tmpfs) are written to.
ENV PATH=/opt/cadencia/bin:$PATH PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 CADENCIA_LOG_FORMAT=json
WORKDIR /data
VOLUME /data
USER 10001:10001
EXPOSE 8000
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s --retries=3 \
  CMD ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:8000/ready', timeout=4)"]
ENTRYPOINT ["cadencia"]
CMD ["up", "--host", "0.0.0.0"]
