package org.luthier.workbench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.luthier.api.LuthierException;

/**
 * Which files come of which audio files, settled before any work is done.
 *
 * @param entries one for each audio file, in the order given
 * @param force whether files that exist are replaced
 */
public record OutputPlan(List<Entry> entries, boolean force) {
    /**
     * A kind of file that is asked for.
     *
     * @param writer id of the writer
     * @param suffix of the file, with its dot
     * @param where a file, or a folder to put it in under the audio file's name; null for beside the audio file
     * @param settings values for the writer's parameters, as a user wrote them
     */
    public record Output(String writer, String suffix, Path where, Map<String, String> settings) {}

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
     * @param writer id of the writer
     * @param path where
     * @param settings values for the writer's parameters, as a user wrote them
     */
    public record Target(String writer, Path path, Map<String, String> settings) {}

    /**
     * Settles the files. With several audio files {@code where} is a folder. Nothing is created.
     *
     * @throws LuthierException if two of the files would be one, or one would replace an audio file
     */
    public static OutputPlan of(List<Path> audio, List<Output> outputs, boolean force) {
        Map<Path, Path> sources = new HashMap<>();
        audio.forEach(file -> sources.put(real(file), file));
        Map<Path, Path> taken = new HashMap<>();
        List<Entry> entries = new ArrayList<>();
        for (Path file : audio) {
            List<Target> targets = new ArrayList<>();
            for (Output output : outputs) {
                Path path = target(file, output, audio.size());
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
        return new OutputPlan(List.copyOf(entries), force);
    }

    private static Path target(Path audio, Output output, int count) {
        if (audio.getFileName() == null) {
            throw new LuthierException(audio + ": expected an audio file, got a folder");
        }
        String name = stem(audio.getFileName().toString()) + output.suffix();
        if (output.where() == null) {
            return audio.resolveSibling(name);
        }
        if (Files.isDirectory(output.where())) {
            return output.where().resolve(name);
        }
        if (count > 1) {
            throw new LuthierException(output.where() + ": expected a folder that exists, for the " + output.writer()
                    + " files of " + count + " audio files");
        }
        return output.where();
    }

    private static String stem(String name) {
        int dot = name.lastIndexOf('.');
        return dot > 0 ? name.substring(0, dot) : name;
    }

    /** One path for one file, whichever way it is written. */
    private static Path real(Path path) {
        Path absolute = path.toAbsolutePath().normalize();
        try {
            return Files.exists(absolute)
                    ? absolute.toRealPath()
                    : absolute.getParent().toRealPath().resolve(absolute.getFileName());
        } catch (IOException e) {
            return absolute;
        }
    }
}
