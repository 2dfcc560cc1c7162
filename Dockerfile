# Cradle in a container, as a user of its own. With CRADLE_DATABASE_URL it uses that database; without, it keeps one of
# its own in the volume. CRADLE_PUBLIC_URL is how callers reach it. Where there is no Docker, deploy/check-dockerfile
# tries these steps.

FROM python:3.11-slim AS build
COPY requirements/run.txt requirements/
RUN python -m venv /opt/cradle
RUN /opt/cradle/bin/python -m pip install --no-cache-dir --require-hashes -r requirements/run.txt

FROM python:3.11-slim
RUN useradd --system --uid 10001 --home-dir /var/lib/cradle --create-home cradle
COPY --from=build /opt/cradle /opt/cradle
WORKDIR /srv/cradle
COPY app app
COPY fhir_profiles fhir_profiles
COPY migrations migrations
ENV PATH=/opt/cradle/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    CRADLE_HOST=0.0.0.0 \
    CRADLE_PORT=8000 \
    CRADLE_VAR=/var/lib/cradle
RUN python -c "import app.main"
USER cradle
VOLUME /var/lib/cradle
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=5s --start-period=30s CMD ["python", "-c", "import os, urllib.request; urllib.request.urlopen(f\"http://127.0.0.1:{os.environ['CRADLE_PORT']}/fhir/R4/metadata\", timeout=4)"]
CMD ["python", "-m", "app.cli", "serve"]
