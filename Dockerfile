# The Debian release is part of the tag, so that it changes when somebody decides it.
FROM python:3.11-slim-bookworm AS build
WORKDIR /build
# The lock holds the extras too. All of it is fetched and checked against its hashes;
# then only what the bot itself uses is installed, from those files alone.
COPY requirements.lock ./
RUN pip download --no-cache-dir --require-hashes --requirement requirements.lock \
      --dest wheels
COPY pyproject.toml ./
RUN python -c "import tomllib; p = tomllib.load(open('pyproject.toml', 'rb'))['project']; print(*p['dependencies'], *p['optional-dependencies']['fast'], sep='\n')" > dependencies.txt \
 && python -m venv --without-pip /venv \
 && pip --python /venv/bin/python install --no-cache-dir --no-index \
      --find-links wheels --requirement dependencies.txt

FROM python:3.11-slim-bookworm
RUN groupadd --gid 10001 bot \
 && useradd --uid 10001 --gid 10001 --no-log-init --no-create-home \
      --home-dir /nonexistent --shell /usr/sbin/nologin bot \
 && install --directory --owner=bot --group=bot /data
COPY --from=build /venv /venv
WORKDIR /app
COPY agent agent
COPY bot bot
COPY manifest.yml policy.yml ./
# Readable for the user whatever the umask of the checkout was.
RUN /venv/bin/python -m compileall -q agent bot && chmod -R go=rX .
# Nothing is written outside /data (and /tmp), so the root may be read-only.
ENV PATH=/venv/bin:$PATH PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 \
    HOST=0.0.0.0 PORT=3000 FILES_DIR=/data/files LOG_FORMAT=json
USER 10001:10001
VOLUME /data
EXPOSE 3000
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s \
  CMD ["python", "-c", "import os, urllib.request as u; u.urlopen(f\"http://127.0.0.1:{os.environ['PORT']}/healthz\", timeout=2)"]
ENTRYPOINT ["python", "-m", "bot"]
