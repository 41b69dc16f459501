<?php
// Sets up the blog and its users through WordPress itself. Arguments: site folder, URL, password, state folder.
[, $site, $url, $password, $state] = $argv;
define('WP_INSTALLING', true);
$_SERVER += ['HTTP_HOST' => substr($url, strlen('http://')), 'REQUEST_URI' => '/', 'SERVER_PROTOCOL' => 'HTTP/1.1',
    'REMOTE_ADDR' => '127.0.0.1'];
require "$site/wp-load.php";
require_once "$site/wp-admin/includes/upgrade.php";

if (!is_blog_installed()) {
    add_filter('pre_wp_mail', '__return_true');
    wp_install('Probe Blog', 'probe', 'probe@example.test', false, '', wp_slash($password));
}
$administrator = get_user_by('login', 'probe')->ID;
wp_set_password($password, $administrator);
foreach (['probe-sub', 'probe-wrong'] as $name) {
    if (!get_user_by('login', $name)) {
        wp_insert_user(['user_login' => $name, 'user_pass' => $password, 'user_email' => "$name@example.test",
            'role' => 'subscriber']);
    }
}
WP_Application_Passwords::delete_all_application_passwords($administrator);
[$application] = WP_Application_Passwords::create_new_application_password($administrator, ['name' => 'probe']);
file_put_contents("$state/application-password", $application);
// The question for the administrator's address is due at each login instead of twice a year, however many log in at once.
@mkdir(WPMU_PLUGIN_DIR);
file_put_contents(WPMU_PLUGIN_DIR . '/ask-each-time.php',
    "<?php\nadd_filter('pre_option_admin_email_lifespan', fn() => 1);\n");
