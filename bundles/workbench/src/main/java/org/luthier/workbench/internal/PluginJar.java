package org.luthier.workbench.internal;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.jar.Attributes;
import java.util.jar.JarFile;
import java.util.jar.Manifest;
import org.luthier.api.LuthierException;
import org.luthier.files.Reason;
import org.osgi.framework.Constants;

/**
 * A jar that may be a plug-in, as its manifest tells.
 *
 * @param path the jar
 * @param name symbolic name of the bundle
 * @param version version of the bundle
 * @param hasComponents whether it declares components, as every bundle with parts does
 */
record PluginJar(Path path, String name, String version, boolean hasComponents) {
    private static final String SERVICE_COMPONENT = "Service-Component";

    /** Reads the manifest.
     *
     * @throws LuthierException if it is no OSGi bundle */
    static PluginJar read(Path path) {
        if (!Files.isRegularFile(path)) {
            throw new LuthierException("no plug-in " + path + ": "
                    + (Files.isDirectory(path)
                            ? "it is a folder, expected the jar of an OSGi bundle"
                            : "there is no such file"));
        }
        try (JarFile jar = new JarFile(path.toFile())) {
            Manifest manifest = jar.getManifest();
            Attributes headers = manifest == null ? new Attributes() : manifest.getMainAttributes();
            String name = headers.getValue(Constants.BUNDLE_SYMBOLICNAME);
            String version = headers.getValue(Constants.BUNDLE_VERSION);
            if (name == null) {
                throw new LuthierException(
                        path + " is no plug-in: it is no OSGi bundle (no Bundle-SymbolicName in its manifest)");
            }
            return new PluginJar(
                    path,
                    name.split(";", 2)[0].strip(),
                    version == null ? "0.0.0" : version.strip(),
                    headers.getValue(SERVICE_COMPONENT) != null);
        } catch (IOException e) {
            throw new LuthierException(path + " is no plug-in: it is no readable jar (" + Reason.of(e) + ")", e);
        }
    }

    /** Name and version for messages. */
    String label() {
        return name + " " + version;
    }
}
