package org.luthier.workbench;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;

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
     * @throws org.luthier.api.LuthierException if two of the files would be one, or one would replace an audio file
     */
    public static OutputPlan of(List<Path> audio, List<Output> outputs, boolean force) {
        throw new UnsupportedOperationException("not written yet");
    }
}
