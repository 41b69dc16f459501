"""The service's pages: a form login, a JSON login, who is logged in, logging out, and two health checks."""
import json
import os

import django

django.setup()
from django.contrib.auth import authenticate, login, logout
from django.contrib.auth.views import LoginView
from django.core.wsgi import get_wsgi_application
from django.db import connection
from django.http import JsonResponse
from django.urls import path
from django.views.decorators.csrf import csrf_exempt


@csrf_exempt
def api_login(request):
    body = json.loads(request.body)
    user = authenticate(request, username=body["username"], password=body["password"])
    if user is None:
        return JsonResponse({"ok": False, "worker": os.getpid()}, status=401)
    login(request, user)
    return JsonResponse({"ok": True, "worker": os.getpid()})


def whoami(request):
    if not request.user.is_authenticated:
        return JsonResponse({"user": None}, status=401)
    return JsonResponse({"user": request.user.username})


@csrf_exempt
def api_logout(request):
    logout(request)
    return JsonResponse({"ok": True})


def healthz(_request):
    """Shallow: the process answers."""
    return JsonResponse({"ok": True})


def readyz(_request):
    """What most readiness checks do: a read."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return JsonResponse({"ok": True})


urlpatterns = [
    path("api/login", api_login), path("api/logout", api_logout),
    path("login", LoginView.as_view()), path("whoami", whoami),
    path("healthz", healthz), path("readyz", readyz),
]
application = get_wsgi_application()
