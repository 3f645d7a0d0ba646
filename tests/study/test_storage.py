"""A Kubernetes cluster is looked for before any job is sent."""

import json
import os
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import pytest

from helpers.project import options
from mammo.study.clusters import no_cluster

pytest.importorskip("kubernetes", reason="no kubernetes here; make test-extra brings it")


def of_kubectl(path, address):
    """Write a configuration as kubectl has it, of a cluster at an address."""
    named = {
        "contexts": [{"name": "here", "context": {"cluster": "one", "user": "me"}}],
        "clusters": [{"name": "one", "cluster": {"server": address}}],
        "users": [{"name": "me", "user": {}}],
    }
    path.write_text(
        json.dumps({"apiVersion": "v1", "kind": "Config", "current-context": "here"} | named)
    )


def test_a_cluster_is_one_that_answers(tmp_path, monkeypatch):
    class Answer(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200 if self.path == "/version/" else 404)
            self.end_headers()

        def log_message(self, *_):
            """Say nothing."""

    config = tmp_path / "config"
    monkeypatch.setenv("KUBECONFIG", f"{tmp_path / 'none'}{os.pathsep}{config}")
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    arguments = options(executor="kubernetes", workflow_profile="profiles/kubernetes")
    assert f"{tmp_path / 'none'}{os.pathsep}{config} is not there" in no_cluster(arguments)
    config.write_text('{"apiVersion": "v1", "kind": "Config"}')
    assert "has no current context" in no_cluster(arguments)
    with HTTPServer(("127.0.0.1", 0), Answer) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        of_kubectl(config, f"http://127.0.0.1:{server.server_port}")
        assert no_cluster(arguments) == ""
        of_kubectl(config, f"http://127.0.0.1:{server.server_port}/nothing")
        assert "does not answer: Not Found" in no_cluster(arguments)
        server.shutdown()
    of_kubectl(config, f"http://127.0.0.1:{server.server_port}")
    assert f"http://127.0.0.1:{server.server_port}, which {tmp_path}" in no_cluster(arguments)
