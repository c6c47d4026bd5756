package org.luthier.workbench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.luthier.api.LuthierException;

/**
 * Which files come of which audio files, settled before any work is done.
 *
 * @param entries one for each audio file, in the order given
 * @param folders those that do not exist yet and are made for the first file that goes into them
 * @param force whether files that exist are replaced
 */
public record OutputPlan(List<Entry> entries, Set<Path> folders, boolean force) {
    /**
     * A kind of file that is asked for.
     *
     * @param writer id of the writer, or {@link KeptJob#OUTPUT} for the job itself
     * @param suffix of the file, with its dot
     * @param where null for beside the audio file
     * @param settings values for the writer's parameters, as a user wrote them
     */
    public record Output(String writer, String suffix, Place where, Map<String, String> settings) {}

    /**
     * A file, or a folder for files under their audio files' names.
     *
     * @param path the file or folder
     * @param folder whether it is a folder even if it does not exist
     */
    public record Place(Path path, boolean folder) {}

    /**
     * What comes of one audio file.
     *
     * @param audio the audio file
     * @param targets the files to write
     */
    public record Entry(Path audio, List<Target> targets) {}

    /**
     * A file to write.
     *
     * @param writer id of the writer, or {@link KeptJob#OUTPUT} for the job itself
     * @param path where
     * @param settings values for the writer's parameters, as a user wrote them
     */
    public record Target(String writer, Path path, Map<String, String> settings) {}

    /**
     * Settles the files. With several audio files {@code where} is a folder. Nothing is created.
     *
     * @throws LuthierException if two of the files would be one, one would replace an audio file, or a folder can be none
     */
    public static OutputPlan of(List<Path> audio, List<Output> outputs, boolean force) {
        Map<Path, Path> sources = new HashMap<>();
        audio.forEach(file -> sources.put(real(file), file));
        Map<Path, Path> taken = new HashMap<>();
        Set<Path> folders = new HashSet<>();
        List<Entry> entries = new ArrayList<>();
        for (Path file : audio) {
            List<Target> targets = new ArrayList<>();
            for (Output output : outputs) {
                Path path = target(file, output, audio.size() > 1, folders);
                if (sources.containsKey(real(path))) {
                    throw new LuthierException("the " + output.writer() + " file of " + file + " would be " + path
                            + ", which is an audio file of this command; choose another output");
                }
                Path other = taken.putIfAbsent(real(path), file);
                if (other != null) {
                    throw new LuthierException(
                            other.equals(file)
                                    ? "two files would both be " + path + "; choose different names"
                                    : other + " and " + file + " would both become " + path
                                            + "; transcribe them into different folders");
                }
                targets.add(new Target(output.writer(), path, output.settings()));
            }
            entries.add(new Entry(file, List.copyOf(targets)));
        }
        return new OutputPlan(List.copyOf(entries), Set.copyOf(folders), force);
    }

    private static Path target(Path audio, Output output, boolean several, Set<Path> folders) {
        if (audio.getFileName() == null) {
            throw new LuthierException(audio + ": expected an audio file, got a folder");
        }
        String name = stem(audio.getFileName().toString()) + output.suffix();
        if (output.where() == null) {
            return audio.resolveSibling(name);
        }
        Path where = output.where().path();
        boolean exists = Files.isDirectory(where);
        if (!exists && !several && !output.where().folder()) {
            return where;
        }
        if (!exists) {
            // Somebody who names a file for several does not want a folder of that name.
            boolean file = Files.exists(where)
                    || !output.where().folder() && where.toString().endsWith(output.suffix());
            if (file) {
                throw new LuthierException(
                        where + ": expected a folder for the " + output.writer() + " files, got a file");
            }
            Path parent = where.toAbsolutePath().getParent();
            if (!Files.isDirectory(parent)) {
                throw new LuthierException(where + ": cannot be made, the folder " + parent + " does not exist");
            }
            folders.add(where);
        }
        return where.resolve(name);
    }

    private static String stem(String name) {
        int dot = name.lastIndexOf('.');
        return dot > 0 ? name.substring(0, dot) : name;
    }

    /** One path for one file, whichever way it is written. */
    private static Path real(Path path) {
        Path absolute = path.toAbsolutePath().normalize();
        try {
            return Files.exists(absolute) || absolute.getParent() == null
                    ? absolute.toRealPath()
                    : real(absolute.getParent()).resolve(absolute.getFileName());
        } catch (IOException e) {
            return absolute;
        }
    }
}
