package org.luthier.launcher;

import java.io.IOException;
import java.io.Reader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.ServiceLoader;
import org.osgi.service.feature.Feature;
import org.osgi.service.feature.FeatureBundle;
import org.osgi.service.feature.FeatureService;
import org.osgi.service.feature.ID;

/** Reads OSGi Feature files and finds the jars that they name. */
final class Features {
    private Features() {}

    /**
     * The jars that features name, in their order.
     *
     * @param install holds {@code features/NAME.json} and {@code bundles/ARTIFACT-VERSION.jar}
     * @throws LaunchException for a feature that cannot be read, or a jar that is not there
     */
    static List<Path> jars(Path install, List<String> names) {
        FeatureService reader = ServiceLoader.load(FeatureService.class, Features.class.getClassLoader())
                .findFirst()
                .orElseThrow(() ->
                        LaunchException.failed("no reader of feature files is on the class path; build Luthier again"));
        List<Path> jars = new ArrayList<>();
        for (String name : names) {
            Path file = install.resolve("features").resolve(name + ".json");
            List<FeatureBundle> bundles = read(reader, file).getBundles();
            if (bundles.isEmpty()) {
                // The reader drops a bundle given as a plain string without a word.
                throw LaunchException.failed(
                        file + " names no bundle; each is an object {\"id\": \"group:artifact:version\"}");
            }
            for (FeatureBundle bundle : bundles) {
                ID id = bundle.getID();
                Path jar = install.resolve("bundles").resolve(id.getArtifactId() + "-" + id.getVersion() + ".jar");
                if (!Files.isRegularFile(jar)) {
                    throw LaunchException.failed(
                            file + " names " + id + ", but there is no " + jar + "; build Luthier again");
                }
                jars.add(jar);
            }
        }
        return jars;
    }

    private static Feature read(FeatureService reader, Path file) {
        try (Reader text = Files.newBufferedReader(file)) {
            return reader.readFeature(text);
        } catch (IOException | RuntimeException e) {
            throw LaunchException.failed(file + " is no readable feature: " + e.getMessage(), e);
        }
    }
}
