// SPDX-License-Identifier: GPL-3.0-or-later
// MixDiff on Flamenco 3: put this file into the manager's folder `scripts`. Each task makes a chunk
// of frames with one seed; the last one makes a contact sheet.

const JOB_TYPE = {
    label: "MixDiff",
    description: "Pictures composed by region, for frames and seeds, and a contact sheet",
    settings: [
        { key: "frames", type: "string", required: true,
          eval: "f'{C.scene.frame_start}-{C.scene.frame_end}'",
          evalInfo: { showLinkButton: true, description: "Scene frame range" },
          description: "Frames to make, such as '47', '1-30' or '3, 5-10'" },
        { key: "seeds", type: "string", required: true, default: "1",
          description: "Seeds for each frame, such as '7' or '1-4'" },
        { key: "chunk_size", type: "int32", default: 8, visible: "submission",
          description: "Frames for which Blender and the model are loaded once" },
        { key: "output_folder", type: "string", subtype: "dir_path", required: true,
          visible: "submission", description: "Where the pictures go" },
        { key: "blendfile", type: "string", required: true, visible: "web",
          eval: "bpy.data.filepath", description: "The scene's file" },
    ],
};

function compileJob(job) {
    const settings = job.settings;
    const sheet = author.Task("contact-sheet", "misc");
    const folder = settings.output_folder;
    sheet.addCommand(mixdiff(["sheet", folder, "--output", path.join(folder, "contact-sheet.png")]));
    for (const seed of frameChunker(settings.seeds, 1)) {
        for (const frames of frameChunker(settings.frames, settings.chunk_size)) {
            const task = author.Task(`seed-${seed}-frames-${frames}`, "blender");
            const name = path.join(folder, `${path.stem(settings.blendfile)}-${seed}-####.png`);
            for (const part of frames.split(",")) {
                task.addCommand(mixdiff(
                    ["generate", "--frame", part, "--seed", seed, "--output", name],
                    settings.blendfile,
                ));
            }
            sheet.addDependency(task);
            job.addTask(task);
        }
    }
    job.addTask(sheet);
}

// `{blender}` is the manager's variable: each worker has its own platform's program.
function mixdiff(words, blendfile) {
    const file = blendfile ? [blendfile] : [];
    return author.Command("exec", { exe: "{blender}", args: ["-b", ...file, "-c", "mixdiff", ...words] });
}
