import django
from django.conf import settings
from django.core.asgi import get_asgi_application
from django.core.wsgi import get_wsgi_application
from django.http import JsonResponse
from django.urls import path

settings.configure(ROOT_URLCONF=__name__, ALLOWED_HOSTS=["*"], SECRET_KEY="tests only", DEBUG=False, MIDDLEWARE=[])
django.setup()


def hello(request, name):
    return JsonResponse({"name": name, "q": request.GET.get("q"), "body": request.body.decode()})


urlpatterns = [path("hello/<name>", hello)]
application = get_wsgi_application()
app = get_asgi_application()
