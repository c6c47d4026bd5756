package org.luthier.launcher;

import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.jar.Attributes;
import java.util.jar.JarFile;
import java.util.jar.Manifest;
import org.osgi.framework.Bundle;
import org.osgi.framework.BundleContext;
import org.osgi.framework.BundleException;
import org.osgi.framework.Constants;
import org.osgi.framework.Version;

/** Says which jars of the plug-ins folder do not run, and why: the folder's watcher itself would skip them without a word. */
final class PluginsFolder {
    private PluginsFolder() {}

    static void reportDead(BundleContext context, Path folder) {
        if (!Files.isDirectory(folder)) {
            return;
        }
        try (DirectoryStream<Path> jars = Files.newDirectoryStream(folder, "*.jar")) {
            for (Path jar : jars) {
                String trouble = trouble(context, jar);
                if (trouble != null) {
                    System.err.println("luthier: warning: the plug-in " + jar + " is left out: " + trouble);
                }
            }
        } catch (IOException e) {
            System.err.println("luthier: warning: cannot read the plug-ins folder " + folder + ": " + e.getMessage());
        }
    }

    /** What keeps a plug-in from running, or null. */
    private static String trouble(BundleContext context, Path jar) {
        try (JarFile file = new JarFile(jar.toFile())) {
            Manifest manifest = file.getManifest();
            String name = manifest == null ? null : value(manifest.getMainAttributes(), Constants.BUNDLE_SYMBOLICNAME);
            if (name == null) {
                return "it is no OSGi bundle (no Bundle-SymbolicName in its manifest)";
            }
            Version version = Version.parseVersion(value(manifest.getMainAttributes(), Constants.BUNDLE_VERSION));
            for (Bundle bundle : context.getBundles()) {
                if (name.equals(bundle.getSymbolicName()) && version.equals(bundle.getVersion())) {
                    // Once more: the reason is in the exception.
                    bundle.start(Bundle.START_TRANSIENT);
                    return null;
                }
            }
            return "it could not be installed";
        } catch (BundleException e) {
            return Launcher.oneLine(e);
        } catch (IOException | IllegalArgumentException e) {
            return e.getMessage();
        }
    }

    /** A header without its parameters. */
    private static String value(Attributes attributes, String header) {
        String text = attributes.getValue(header);
        return text == null ? null : text.split(";", 2)[0].strip();
    }
}
