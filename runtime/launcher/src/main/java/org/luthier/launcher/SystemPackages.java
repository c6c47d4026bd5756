package org.luthier.launcher;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.jar.JarFile;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * The packages of the class path that bundles may import: ND4J, JavaCPP and what stands on it, Eclipse Collections, JTransforms, SLF4J. They
 * live outside the bundles so that there is one copy of the native libraries for ever, whatever is swapped, because Eclipse Collections finds
 * its factories by {@link java.util.ServiceLoader}, and because the jars of JTransforms are no bundles.
 */
final class SystemPackages {
    private static final Pattern EXPORTED = Pattern.compile(
            "(?:nd4j|javacpp|openblas|ffmpeg|cuda|eclipse-collections|JTransforms|slf4j-api).*?-(\\d+)\\.(\\d+)(?:\\.(\\d+))?.*\\.jar");

    private SystemPackages() {}

    /**
     * The value of {@code org.osgi.framework.system.packages.extra}.
     *
     * @param cache remembers the answer for this class path: reading the directories of all jars is a good part of a start
     */
    static String of(String classPath, Path cache) {
        List<Path> jars = new ArrayList<>();
        StringBuilder key = new StringBuilder();
        for (String entry : classPath.split(Pattern.quote(File.pathSeparator))) {
            Path jar = Path.of(entry);
            if (jar.getFileName() != null
                    && EXPORTED.matcher(jar.getFileName().toString()).matches()) {
                jars.add(jar);
                File file = jar.toFile();
                key.append(jar)
                        .append('|')
                        .append(file.length())
                        .append('|')
                        .append(file.lastModified())
                        .append('|');
            }
        }
        Path remembered = cache.resolve(
                "system-packages-" + Integer.toHexString(key.toString().hashCode()) + ".txt");
        String answer = recall(remembered, key.toString());
        if (answer == null) {
            answer = scan(jars);
            remember(remembered, key + "\n" + answer);
        }
        return answer;
    }

    private static String recall(Path remembered, String key) {
        try {
            String text = Files.readString(remembered);
            return text.startsWith(key + "\n") ? text.substring(key.length() + 1) : null;
        } catch (IOException e) {
            return null;
        }
    }

    private static void remember(Path remembered, String text) {
        try {
            Path written = Files.createTempFile(remembered.getParent(), "system-packages-", ".tmp");
            Files.writeString(written, text);
            Files.move(written, remembered, StandardCopyOption.ATOMIC_MOVE);
        } catch (IOException e) {
            // The next process scans again.
        }
    }

    private static String scan(List<Path> jars) {
        Map<String, String> versions = new TreeMap<>();
        for (Path path : jars) {
            Matcher name = EXPORTED.matcher(path.getFileName().toString());
            if (!name.matches()) {
                throw new IllegalArgumentException(path.toString());
            }
            String version = name.group(1) + "." + name.group(2) + "." + (name.group(3) == null ? "0" : name.group(3));
            try (JarFile jar = new JarFile(path.toFile())) {
                jar.stream()
                        .map(entry -> entry.getName())
                        .filter(entry ->
                                entry.endsWith(".class") && entry.contains("/") && !entry.startsWith("META-INF/"))
                        .map(entry -> entry.substring(0, entry.lastIndexOf('/')).replace('/', '.'))
                        .forEach(found -> versions.putIfAbsent(found, version));
            } catch (IOException e) {
                throw LaunchException.failed("cannot read " + path + ": " + e.getMessage(), e);
            }
        }
        return versions.entrySet().stream()
                .map(each -> each.getKey() + ";version=\"" + each.getValue() + "\"")
                .collect(Collectors.joining(","));
    }
}
