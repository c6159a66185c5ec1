"""docker-compose.yml, read by Docker Compose itself."""

import ipaddress
import json
import unittest

from project import DEFAULTS, ENV_FILE, PREFIX, ROOT, program, run, seconds, setting_problem, tomllib, tool


def compose(*arguments, environment):
    # An .env of the folder's owner must not decide the outcome.
    return run(
        tool("docker-compose"), "--env-file", "/dev/null", "-f", "docker-compose.yml", *arguments,
        environment=environment,
    )


class Compose(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        read = compose("config", "--format", "json", environment=ENV_FILE)
        assert read.returncode == 0, read.stderr
        cls.file = json.loads(read.stdout)
        cls.services = cls.file["services"]
        cls.own = {name: it for name, it in cls.services.items() if it["image"].startswith("strongroom:")}

    def settings(self, service):
        return {k: v for k, v in self.services[service]["environment"].items() if k.startswith("STRONGROOM")}

    def test_every_secret_is_required_and_its_absence_says_where_to_look(self):
        for missing in ENV_FILE:
            with self.subTest(missing):
                others = {name: value for name, value in ENV_FILE.items() if name != missing}
                read = compose("config", environment=others)
                self.assertNotEqual(read.returncode, 0)
                self.assertIn(missing, read.stderr)
                self.assertIn("deploy/env.example", read.stderr)

    def test_the_example_names_every_variable_and_holds_no_secret(self):
        read = compose("config", "--variables", "--format", "json", environment=ENV_FILE)
        used = set(json.loads(read.stdout))
        lines = (ROOT / "deploy/env.example").read_text().splitlines()
        given = dict(line.lstrip("#").split("=", 1) for line in lines if line.lstrip("#").startswith("STRONGROOM"))
        self.assertEqual(set(given), used)
        self.assertEqual({name for name, value in given.items() if not value}, set(ENV_FILE))

    def test_every_setting_exists_and_has_the_right_type(self):
        for service in self.own:
            self.assertTrue(self.settings(service))
            for name, text in self.settings(service).items():
                self.assertIsNone(setting_problem(name, text), service)

    def test_the_program_itself_accepts_the_settings_and_reads_them_as_they_are_meant(self):
        for service in self.own:
            with self.subTest(service):
                settings = self.settings(service)
                checked = run(program(), "config", "--check", environment=settings)
                self.assertEqual(checked.returncode, 0, checked.stdout + checked.stderr)
                shown = run(program(), "config", environment=settings)
                for secret in ENV_FILE.values():
                    self.assertNotIn(secret, shown.stdout + shown.stderr)
                read = tomllib.loads(shown.stdout)
                for key, text in settings.items():
                    section, name = key.removeprefix(PREFIX).lower().split("__", 1)
                    value = read[section][name]
                    if value != "(set, not shown)":
                        meant = text.split(",") if isinstance(DEFAULTS[section][name], list) else text
                        self.assertEqual(value if isinstance(value, list) else str(value), meant, key)

    def test_two_api_processes_take_no_thumbnails_and_a_worker_does(self):
        self.assertEqual(set(self.own), {"api", "worker"})
        self.assertEqual(self.services["api"]["deploy"]["replicas"], 2)
        self.assertEqual(self.services["api"]["command"][:2], ["serve", "--no-worker"])
        self.assertEqual(self.services["worker"]["command"][0], "worker")
        for service in self.own.values():
            self.assertIn("--wait-for", service["command"])

    def test_what_the_command_line_is_given_exists(self):
        for name, service in self.own.items():
            command, *flags = service["command"]
            offered = run(program(), command, "--help").stdout
            for flag in (flag for flag in flags if flag.startswith("--")):
                self.assertIn(flag, offered, name)
        health = self.services["api"]["healthcheck"]["test"]
        self.assertEqual(health[:2], ["CMD", "strongroom"])
        self.assertIn(health[2], run(program(), "--help").stdout)

    def test_uploads_may_finish_before_a_container_is_killed(self):
        for service in [*self.own.values(), self.services["proxy"]]:
            self.assertGreater(seconds(service["stop_grace_period"]), seconds(DEFAULTS["server"]["shutdown_grace"]))

    def test_only_the_proxy_can_be_reached_from_outside(self):
        published = {name for name, service in self.services.items() if service.get("ports")}
        self.assertEqual(published, {"proxy"})
        self.assertEqual({port["host_ip"] for port in self.services["proxy"]["ports"]}, {"127.0.0.1"})
        self.assertTrue(self.file["networks"]["back"]["internal"])
        on_front = {name for name, service in self.services.items() if "front" in service["networks"]}
        self.assertEqual(on_front, {"proxy", "api"})

    def test_the_proxy_alone_is_believed_and_nobody_else_can_get_its_address(self):
        address = self.services["proxy"]["networks"]["front"]["ipv4_address"]
        self.assertEqual(self.settings("api")["STRONGROOM__SERVER__TRUSTED_PROXIES"], address)
        (pool,) = self.file["networks"]["front"]["ipam"]["config"]
        self.assertIn(ipaddress.ip_address(address), ipaddress.ip_network(pool["subnet"]))
        self.assertNotIn(ipaddress.ip_address(address), ipaddress.ip_network(pool["ip_range"]))

    def test_the_bucket_that_is_made_is_the_one_that_is_used(self):
        made = self.services["bucket"]["command"][-1]
        self.assertEqual(made, "store/" + self.settings("api")["STRONGROOM__BLOBS__BUCKET"])
        self.assertIn("MC_HOST_store", self.services["bucket"]["environment"])
        for service in self.own.values():
            self.assertEqual(service["depends_on"]["bucket"]["condition"], "service_completed_successfully")

    def test_servers_are_named_as_the_services_are(self):
        for key in ["STRONGROOM__STORE__MONGODB_URL", "STRONGROOM__STORE__REDIS_URL", "STRONGROOM__BLOBS__ENDPOINT"]:
            host = self.settings("api")[key].split("//")[1].split(":")[0]
            self.assertIn(host, self.services, key)
            self.assertIn("back", self.services[host]["networks"])

    def test_every_container_is_confined(self):
        for name, service in self.services.items():
            with self.subTest(name):
                self.assertTrue(service["read_only"])
                self.assertEqual(service["cap_drop"], ["ALL"])
                self.assertEqual(service["security_opt"], ["no-new-privileges:true"])
                self.assertNotIn("privileged", service)
        for name in ["proxy", "api", "worker", "mongo", "redis"]:
            self.assertNotIn(self.services[name]["user"].split(":")[0], ["", "0", "root"], name)

    def test_images_have_a_version(self):
        for name, service in self.services.items():
            version = service["image"].rpartition("/")[2].partition(":")[2]
            self.assertRegex(version, r"\d", name)

    def test_our_image_has_the_version_of_the_program(self):
        version = tomllib.loads((ROOT / "Cargo.toml").read_text())["package"]["version"]
        self.assertEqual({service["image"] for service in self.own.values()}, {f"strongroom:{version}"})

    def test_files_that_are_mounted_exist(self):
        for name, service in self.services.items():
            for volume in service.get("volumes", []):
                if volume["type"] == "bind":
                    with self.subTest(name, volume=volume["source"]):
                        self.assertTrue((ROOT / volume["source"]).exists())

    def test_redis_forgets_nothing_for_lack_of_room(self):
        command = " ".join(self.services["redis"]["command"])
        self.assertIn("--appendonly yes", command)
        self.assertIn("--maxmemory-policy noeviction", command)
